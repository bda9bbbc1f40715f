import type { WindowsKind } from '../../core/windows/kinds.ts';
import { isLegacyKind, MARKER_FILE, SCRIPT_FILE, SCRIPT_LOG } from './options.ts';
import type { ScriptPhase } from './options.ts';
import { bashSteps, cygwinDirectory, cygwinStep, setupPhase } from './script-cygwin.ts';
import type { SetupCall } from '../kind.ts';
import { driveLetters, runStep, SUBROUTINES, tryStep } from './script-lines.ts';
import { AGAIN_STEP, finishStep, SETUP_COMPLETE_STEP, TASK_STEP, USER_STEP, WAIT_FOR_LOGON } from './script-logon.ts';
import { firewallStep, networkStep } from './script-network.ts';
import { profileStep, settingsStep } from './script-settings.ts';

/** Phases in which a command file of the user can run: `specialize.cmd`, `logon.cmd`. */
export type CommandPhase = Exclude<ScriptPhase, 'windowspe'>;

/** What the script of one installation depends on. */
export interface ScriptOptions {
  readonly kind: WindowsKind;
  /** Printed at the end, in the marker `installed`: 1 to 100 letters, digits, `-` and `_`. */
  readonly nonce: string;
  /** Phases for which the medium has a command file of the user. */
  readonly commands?: Readonly<Partial<Record<CommandPhase, boolean>>> | undefined;
  /** Whether the medium has drivers of the user in its directory `drivers`. */
  readonly hasDrivers?: boolean | undefined;
  /** Installs Cygwin; the medium then has the directory `cygwin` with its scripts. */
  readonly setup: SetupCall;
}

/** Returns the script of the answer medium and the file by which it is found, in ASCII with CR LF.
 *
 *  The script prints `@cygstrap stage PHASE` on COM1 in each phase and runs the user's command file of the phase. At
 *  the first logon it prepares Windows, installs Cygwin, prints `@cygstrap installed NONCE` and powers off. After a
 *  failure it prints `@cygstrap failed STEP: REASON` and powers off. Finished steps are not repeated.
 *
 *  Throws TypeError for a nonce with other characters, and `usage` for a call of setup that is too long for cmd. */
export function scriptFiles(options: ScriptOptions): ReadonlyMap<string, Uint8Array> {
  const { nonce } = options;
  if (!/^[\w-]{1,100}$/.test(nonce)) throw new TypeError('a nonce has 1 to 100 letters, digits, - and _');
  return new Map([
    [SCRIPT_FILE, ascii(script(options))],
    [MARKER_FILE, ascii([`nonce=${nonce}`])],
  ]);
}

/** Returns whether the answers for a kind call the script in the phase `specialize`. */
export function hasSpecialize(kind: WindowsKind): boolean {
  return !WITHOUT_SPECIALIZE.includes(kind);
}

const WITHOUT_SPECIALIZE: readonly WindowsKind[] = ['windows-xp', 'windows-2003', 'windows-7', 'windows-2008r2'];

/** Checks of Setup of Windows 11 that a virtual machine does not pass, or only with a TPM. */
const CHECKS = ['TPM', 'SecureBoot', 'RAM', 'CPU', 'Storage'];

/** The rate is 1200 bit/s by default in Windows XP and 7. This opens the port, so only the one process does it. */
const COM1_RATE = 'mode com1:115200,n,8,1 >nul 2>nul';

/** CR LF also because `goto` can miss a label in a file with bare LF. */
function ascii(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'ascii');
}

/** The lines of the script. Rules for them:
 *  - Only programs that Windows XP to Server 2025 have: no PowerShell, wmic, VBScript, timeout.
 *  - `>COM1 echo TEXT`: in `echo TEXT 1>COM1` the digit is a handle. A text has no `% ! ^ & | ( ) < >`. The port has
 *    one opener at a time, so nothing else of ours writes to it. A port that does not open is not a failure.
 *  - No `&&` or `||` after a write to COM1, and redirections after the command, except for `>FILE echo`: cmd of wine,
 *    in which the tests run, reports a failure for a serial port, and does not parse several in front.
 *  - Exit code 0, also after a failure: for another code in `specialize` Setup shows a dialog and waits.
 *  - Paths in variables that are set at the start: `%~f0` in a subroutine is not the script in every cmd.
 *
 *  `specialize` puts a copy of the script on the disk, which Windows runs as `complete`, before anybody is logged on,
 *  and which starts the task `system`. `logon` does what is left. `system` does the same if no logon has begun after 15
 *  minutes, or none finishes. After a restart `logon` or `system` goes on. `setup` is the process of Cygwin's setup. */
function script({ kind, nonce, commands, hasDrivers, setup }: ScriptOptions): string[] {
  const letters = driveLetters(kind);
  const isLegacy = isLegacyKind(kind);
  const isEarly = hasSpecialize(kind);
  const drivers = hasDrivers === true ? runStep('drivers') : [];
  return [
    '@echo off',
    'setlocal EnableExtensions DisableDelayedExpansion',
    'set "phase=%~1"',
    'set "medium=%~dp0"',
    'set "self=%~f0"',
    'set "folder=%SystemDrive%\\cygstrap"',
    `set "log=%SystemDrive%\\${SCRIPT_LOG.replace('/', '\\')}"`,
    `set "root=%SystemDrive%\\${cygwinDirectory(setup.arch)}"`,
    'set "code=0"',
    'set "reason="',
    'set "restart="',
    'if "%phase%"=="windowspe" goto windowspe',
    // The copy on the disk has no medium beside it.
    `if not exist "%medium%${MARKER_FILE}" call :find`,
    'if not exist "%folder%\\" mkdir "%folder%"',
    ...(isEarly ? ['if "%phase%"=="specialize" goto specialize', 'if "%phase%"=="complete" goto alone'] : []),
    ...(isEarly ? ['if "%phase%"=="system" goto unattended'] : []),
    'if "%phase%"=="logon" goto alone',
    'if "%phase%"=="setup" goto setup',
    'exit /b 0',

    // WinPE has no disk for a log yet, and Setup waits for the end of this phase. The registry first: COM1 may be
    // missing or slow there.
    ':windowspe',
    COM1_RATE,
    ...(kind === 'windows-11'
      ? CHECKS.map((name) => `reg add HKLM\\SYSTEM\\Setup\\LabConfig /v Bypass${name}Check /t REG_DWORD /d 1 /f >nul`)
      : []),
    '>COM1 echo @cygstrap stage windowspe',
    'exit /b 0',

    ...(isEarly
      ? [
          ':specialize',
          COM1_RATE,
          'call :report stage specialize',
          ...runStep('copy'),
          ...runStep('setupcomplete'),
          ...drivers,
          ...(commands?.specialize === true ? runStep('customize', 'specialize') : []),
          'exit /b 0',

          ':unattended',
          ...WAIT_FOR_LOGON,
        ]
      : []),

    // One process at a time: only one can open this file for writing, and Windows closes it when the process ends. cmd
    // does not call the label if the file cannot be opened.
    ':alone',
    'set "step=copy"',
    '>"%folder%\\%phase%.started" echo %DATE% %TIME%',
    'if not exist "%folder%\\%phase%.started" set "code=1"& goto failed',
    'set "held="',
    'call :%phase% 9>"%folder%\\lock" 2>nul',
    'if defined held exit /b 0',
    'call :wait 5',
    'goto alone',

    // What fails here, where not all services run yet, is tried again at the logon.
    ...(isEarly
      ? [
          ':complete',
          'set "held=1"',
          COM1_RATE,
          'call :report stage complete',
          ...[...MACHINE_STEPS, 'task'].map((label) => tryStep(label)),
          'exit /b 0',
        ]
      : []),

    ...(isEarly ? [':system'] : []),
    ':logon',
    'set "held=1"',
    COM1_RATE,
    'call :report stage logon',
    'call :report stage script',
    ...runStep('copy'),
    ...runStep('again'),
    ...(isLegacy ? runStep('user') : []),
    ...MACHINE_STEPS.flatMap((label) => runStep(label)),
    `if "%phase%"=="logon" ${tryStep('profile')}`,
    ...(isEarly ? [] : drivers),
    ...(commands?.logon === true ? runStep('customize', 'logon') : []),
    ...runStep('cygwin'),
    'if defined restart goto restart',
    ...runStep('configure'),
    ...runStep('verify'),
    ...runStep('finish'),
    `call :report installed ${nonce}`,
    'goto poweroff',

    ':failed',
    'if not defined reason set "reason=%phase% exited with %code%"',
    'call :report failed %step%: %reason%',
    // Hyphens: the form that Windows XP documents; later versions accept it too.
    ':poweroff',
    'shutdown -s -t 0 -f',
    'goto end',
    ':restart',
    'shutdown -r -t 0 -f',
    // Windows ends this process. Until then no other takes its place.
    ':end',
    'call :wait 3600',
    'exit /b 0',

    // Windows can restart in the middle and log on again: a finished step leaves a file and is not repeated.
    ':step',
    'set "step=%~1"',
    'set "part=%~2"',
    'set "code=0"',
    'if exist "%folder%\\%step%%part%.done" exit /b 0',
    // The step sets `code` itself: if the log cannot be opened, cmd does not call it, and leaves errorlevel as it was.
    'set "code=1"',
    'set "reason="',
    'call :%step% <nul >>"%log%" 2>&1',
    'if not "%code%"=="0" exit /b 0',
    '>"%folder%\\%step%%part%.done" echo done',
    'exit /b 0',

    // `type` and not `copy`: a copy of a file of a CD is read-only, so that it cannot be replaced.
    ':copy',
    `type "%medium%${SCRIPT_FILE}" >"%folder%\\${SCRIPT_FILE}"`,
    `if exist "%folder%\\${SCRIPT_FILE}" set "code=0"`,
    'exit /b 0',

    ...(hasDrivers === true ? DRIVERS : []),
    ...settingsStep(kind),
    ...profileStep(),
    ...networkStep(kind),
    ...firewallStep(kind),
    ...(isEarly ? [...SETUP_COMPLETE_STEP, ...TASK_STEP] : []),
    ...AGAIN_STEP,
    ...(isLegacy ? USER_STEP : []),
    ...cygwinStep(setup, letters),
    ...bashSteps(kind),
    ':setup',
    'call :repo',
    ...setupPhase(setup),
    ...finishStep(kind),

    // A process of its own, so that `exit`, `cd` and `set` in the user's file do not reach this script. `call`: without
    // it `cmd /c FILE` returns 0 for a file that ends by `program || exit /b`, or by `exit /b 1` in an `if`.
    ':customize',
    'pushd "%medium%"',
    'cmd.exe /d /c call .\\%part%.cmd',
    'set "code=%errorlevel%"',
    'popd',
    'exit /b 0',

    ':find',
    `for %%d in (${letters}) do if exist "%%d:\\${MARKER_FILE}" set "medium=%%d:\\"`,
    'exit /b 0',

    ':report',
    '>>"%log%" echo %DATE% %TIME% %*',
    '>COM1 echo @cygstrap %*',
    'exit /b 0',

    ...SUBROUTINES,
  ];
}

/** Steps that need no logon. */
const MACHINE_STEPS = ['settings', 'network', 'firewall'] as const;

/** Installs the drivers of the user. `pnputil` exits with 259 if a driver fits no device or is there already, and with
 *  3010 if it needs a restart. The name is in a variable, as `call :driver "%%f"` would expand `%` and `^` in it. */
const DRIVERS: readonly string[] = [
  ':drivers',
  'set "code=0"',
  'for /r "%medium%drivers" %%f in (*.inf) do (set "driver=%%f"& call :driver)',
  'exit /b 0',
  ':driver',
  'pnputil.exe -i -a "%driver%"',
  'set "result=%errorlevel%"',
  'if not "%result%"=="0" if not "%result%"=="259" if not "%result%"=="3010" set "code=%result%"',
  'exit /b 0',
];
