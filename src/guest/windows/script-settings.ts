import type { WindowsKind } from '../../core/windows/kinds.ts';
import { isLegacyKind } from './options.ts';

/** A number in the registry. The installation fails without a required one. */
type NumberRow = readonly [key: string, name: string, value: number, need?: 'required'];

type TextRow = readonly [key: string, name: string, value: string];

/** Settings of the computer. */
interface Settings {
  readonly numbers: readonly NumberRow[];
  readonly texts: readonly TextRow[];
  /** Services that are stopped and disabled; missing ones are no failure. */
  readonly services: readonly string[];
  readonly commands: readonly string[];
}

const CONTROL = 'HKLM\\SYSTEM\\CurrentControlSet\\Control';
const SERVICES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services';
const POLICIES = 'HKLM\\SOFTWARE\\Policies\\Microsoft';
const SYSTEM_POLICIES = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System';
const UPDATE = `${POLICIES}\\Windows\\WindowsUpdate`;
const DEFENDER = `${POLICIES}\\Windows Defender\\Exclusions`;
const SMB_CLIENT = `${SERVICES}\\LanmanWorkstation\\Parameters`;
const TASKS = '\\Microsoft\\Windows';

/** What all versions have. */
const COMMON: readonly NumberRow[] = [
  // An update can restart the computer in the middle of an installation or of a run.
  [`${UPDATE}\\AU`, 'NoAutoUpdate', 1, 'required'],
  // The clock of the machine is in UTC.
  [`${CONTROL}\\TimeZoneInformation`, 'RealTimeIsUniversal', 1, 'required'],
  // The power button shuts down also when nobody is logged on, without a question for the reason.
  [SYSTEM_POLICIES, 'shutdownwithoutlogon', 1, 'required'],
  [`${POLICIES}\\Windows NT\\Reliability`, 'ShutdownReasonOn', 0],
  // A program that crashes ends with its exit code, without a dialog.
  [`${CONTROL}\\Windows`, 'ErrorMode', 2],
  // Runs start in a directory of a share, which cmd refuses as its current directory otherwise.
  ['HKLM\\SOFTWARE\\Microsoft\\Command Processor', 'DisableUNCCheck', 1],
  // After a crash of Windows the machine restarts, which is noticed at once, and leaves a small dump.
  [`${CONTROL}\\CrashControl`, 'AutoReboot', 1],
  [`${CONTROL}\\CrashControl`, 'CrashDumpEnabled', 3],
];

const MODERN: Settings = {
  numbers: [
    ...COMMON,
    [UPDATE, 'DoNotConnectToWindowsUpdateInternetLocations', 1],
    ['HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\DriverSearching', 'SearchOrderConfig', 0],
    [`${POLICIES}\\WindowsStore`, 'AutoDownload', 2],
    ['HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule\\Maintenance', 'MaintenanceDisabled', 1],
    [`${POLICIES}\\Windows NT\\SystemRestore`, 'DisableSR', 1],
    ['HKLM\\SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting', 'Disabled', 1],
    ['HKLM\\SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting', 'DontShowUI', 1],
    [`${POLICIES}\\Windows NT\\Reliability`, 'ShutdownReasonUI', 0],
    // Nothing waits for a person: no animation, questions about privacy, lock of the screen, or choice of a network.
    [SYSTEM_POLICIES, 'EnableFirstLogonAnimation', 0],
    [`${POLICIES}\\Windows\\OOBE`, 'DisablePrivacyExperience', 1],
    [`${POLICIES}\\Windows\\Personalization`, 'NoLockScreen', 1],
    [SYSTEM_POLICIES, 'InactivityTimeoutSecs', 0],
    [`${CONTROL}\\Network\\NewNetworkWindowOff`, 'Off', 1],
    // An administrator has all rights in a network logon, and one set of connected drives.
    [SYSTEM_POLICIES, 'LocalAccountTokenFilterPolicy', 1],
    [SYSTEM_POLICIES, 'EnableLinkedConnections', 1],
    // What a share shows is never older than the share: a resumed machine finds other files there.
    [SMB_CLIENT, 'FileInfoCacheLifetime', 0],
    [SMB_CLIENT, 'DirectoryCacheLifetime', 0],
    [SMB_CLIENT, 'FileNotFoundCacheLifetime', 0],
    [DEFENDER, 'Exclusions_Paths', 1],
  ],
  texts: [
    // Paths that the virus scanner leaves alone.
    [`${DEFENDER}\\Paths`, '%root%', '0'],
    [`${DEFENDER}\\Paths`, '\\\\192.168.0.2\\store', '0'],
    [`${DEFENDER}\\Paths`, '\\\\192.168.0.2\\xchg', '0'],
    [`${SERVICES}\\W32Time\\Parameters`, 'Type', 'NoSync'],
  ],
  services: [
    'wuauserv',
    'UsoSvc',
    'WaaSMedicSvc',
    'w32time',
    'WerSvc',
    'WSearch',
    'SysMain',
    'DiagTrack',
    // Without it a share that does not respond is not tried over HTTP, which takes 20 seconds.
    'WebClient',
    // The sshd of Windows uses the port of ours.
    'sshd',
  ],
  commands: [
    'powercfg /hibernate off',
    ...['standby', 'monitor', 'disk'].map((what) => `powercfg /change ${what}-timeout-ac 0`),
    // Action 3 is to shut down.
    'powercfg /setacvalueindex SCHEME_CURRENT SUB_BUTTONS PBUTTONACTION 3',
    'powercfg /setactive SCHEME_CURRENT',
    // A start after an unclean end of the machine goes on by itself, without a menu.
    'bcdedit /set {default} bootstatuspolicy ignoreallfailures',
    'bcdedit /set {default} recoveryenabled no',
    'bcdedit /timeout 0',
    ...[
      'Defrag\\ScheduledDefrag',
      'Windows Defender\\Windows Defender Scheduled Scan',
      'Application Experience\\Microsoft Compatibility Appraiser',
      'Time Synchronization\\SynchronizeTime',
      'UpdateOrchestrator\\Schedule Scan',
    ].map((name) => `schtasks /change /tn "${TASKS}\\${name}" /disable`),
    // A wrong password cannot lock the user out.
    'net accounts /lockoutthreshold:0',
  ],
};

const LEGACY: Settings = {
  numbers: [
    ...COMMON,
    ['HKLM\\SOFTWARE\\Microsoft\\PCHealth\\ErrorReporting', 'DoReport', 0],
    ['HKLM\\SOFTWARE\\Microsoft\\PCHealth\\ErrorReporting', 'ShowUI', 0],
    ['HKLM\\SOFTWARE\\Microsoft\\DrWatson', 'VisualNotification', 0],
    ['HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\SystemRestore', 'DisableSR', 1],
  ],
  texts: [[`${SERVICES}\\W32Time\\Parameters`, 'Type', 'NoSync']],
  services: ['wuauserv', 'w32time', 'ERSvc', 'srservice', 'cisvc', 'wscsvc', 'WebClient'],
  commands: ['powercfg /hibernate off'],
};

/** Settings of a user's profile, in the profile of the logon screen and in that of the user. */
const PROFILE: readonly (readonly [name: string, value: string])[] = [
  ['ScreenSaveActive', '0'],
  ['ScreenSaverIsSecure', '0'],
  // A program that does not end does not hold up a shutdown.
  ['AutoEndTasks', '1'],
];

/** Returns the step `settings`: nothing runs, sleeps, asks or changes the computer by itself. A setting that a version
 *  or edition does not have is noted in the log. The age of passwords, updates, the clock and the power button are
 *  required. */
export function settingsStep(kind: WindowsKind): string[] {
  const { numbers, texts, services, commands } = isLegacyKind(kind) ? LEGACY : MODERN;
  return [
    ':settings',
    'set "code=0"',
    ...numbers.map(([key, name, value, need]) =>
      ['call :number', `"${key}"`, name, String(value), ...(need === undefined ? [] : [need])].join(' '),
    ),
    ...texts.map(([key, name, value]) => `call :text "${key}" "${name}" "${value}"`),
    ...services.map((name) => `call :disable ${name}`),
    ...commands.map((command) => `call :run ${command}`),
    ...PROFILE.map(([name, value]) => `call :text "HKU\\.DEFAULT\\Control Panel\\Desktop" ${name} ${value}`),
    // Passwords expire after 42 days, also while a saved machine does not run.
    'call :run net accounts /maxpwage:unlimited',
    'if "%result%"=="0" exit /b 0',
    'set "code=%result%"',
    'set "reason=net accounts exited with %result%"',
    'exit /b 0',

    ':disable',
    'call sc query %1 >nul 2>nul',
    'if errorlevel 1 exit /b 0',
    'call sc stop %1 >nul 2>nul',
    'call :run sc config %1 start= disabled',
    'exit /b 0',
  ];
}

/** Returns the step `profile`: settings of the user who is logged on. */
export function profileStep(): string[] {
  return [
    ':profile',
    'set "code=0"',
    ...PROFILE.map(([name, value]) => `call :text "HKCU\\Control Panel\\Desktop" ${name} ${value}`),
    'call :number "HKCU\\Software\\Microsoft\\Windows\\Windows Error Reporting" DontShowUI 1',
    'exit /b 0',
  ];
}
