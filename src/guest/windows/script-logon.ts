import type { WindowsKind } from '../../core/windows/kinds.ts';
import { WINDOWS_USER, isLegacyKind } from './options.ts';

const RUN = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';
const WINLOGON = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon';

/** Name of our scheduled task and of our entries in the registry. */
const NAME = 'cygstrap';

/** Minutes that the script waits for a logon before it does its work without one. */
const LOGON_MINUTES = 15;

/** Copies of the answers that Setup leaves, with passwords in some of them. */
const ANSWER_COPIES = [
  'Panther\\unattend.xml',
  'Panther\\unattend-original.xml',
  'Panther\\Unattend\\unattend.xml',
  'System32\\Sysprep\\unattend.xml',
  'System32\\$winnt$.inf',
];

/** Returns the step `setupcomplete`: Windows runs this file as the system after its own installation. It does not with
 *  a product key of a manufacturer; then all work is done at the logon. */
export const SETUP_COMPLETE_STEP: readonly string[] = [
  ':setupcomplete',
  'if not exist "%WINDIR%\\Setup\\Scripts\\" mkdir "%WINDIR%\\Setup\\Scripts"',
  '>"%WINDIR%\\Setup\\Scripts\\SetupComplete.cmd" echo call "%folder%\\cygstrap.cmd" complete',
  'if exist "%WINDIR%\\Setup\\Scripts\\SetupComplete.cmd" set "code=0"',
  'exit /b 0',
];

/** Returns the step `task`: a task that starts with Windows, and now, and does the work if nobody is logged on. Not the
 *  process of SetupComplete.cmd itself: Windows waits for its end before the logon. */
export const TASK_STEP: readonly string[] = [
  ':task',
  `call :run schtasks /create /f /tn ${NAME} /sc onstart /ru SYSTEM /tr "cmd.exe /c %folder%\\cygstrap.cmd system"`,
  'set "code=%result%"',
  `if "%code%"=="0" call :run schtasks /run /tn ${NAME}`,
  'exit /b 0',
];

/** Returns the lines that wait for a logon in the phase `system`. */
export const WAIT_FOR_LOGON: readonly string[] = [`for /l %%i in (1,1,${LOGON_MINUTES}) do call :wait 60`];

/** Returns the step `again`: the script runs at each logon until it has finished, also after a restart. The first logon
 *  of an answer file and that of `winnt.sif` run it once only. */
export const AGAIN_STEP: readonly string[] = [
  ':again',
  `call :text "${RUN}" ${NAME} "cmd.exe /c %folder%\\cygstrap.cmd logon"`,
  `call :read "${RUN}" ${NAME}`,
  'if defined value set "code=0"',
  'exit /b 0',
];

/** Returns the step `user`: makes the user on Windows XP and 2003, whose answers cannot. The group of administrators
 *  has a translated name: it is the group with the user who is logged on, the built-in administrator. */
export const USER_STEP: readonly string[] = [
  ':user',
  'set "password="',
  'set /p password=<"%medium%password"',
  'if not defined password set "reason=the answer medium has no password"& exit /b 0',
  // `/y` answers the question whether a long password is right.
  `net user ${WINDOWS_USER} >nul 2>nul`,
  `if errorlevel 1 net user ${WINDOWS_USER} %password% /add /y`,
  'set "administrators="',
  `for /f "tokens=*" %%g in ('net localgroup') do (set "group=%%g"& call :group)`,
  'if not defined administrators set "reason=no group has the user who is logged on"& exit /b 0',
  `net localgroup "%administrators%" ${WINDOWS_USER} /add`,
  `for /f "tokens=*" %%m in ('net localgroup "%administrators%"') do if /i "%%m"=="${WINDOWS_USER}" set "code=0"`,
  `if not "%code%"=="0" set "reason=${WINDOWS_USER} is no administrator"`,
  'exit /b 0',
  // Lines with an asterisk have names of groups.
  ':group',
  'if not "%group:~0,1%"=="*" exit /b 0',
  'set "group=%group:~1%"',
  `for /f "tokens=*" %%m in ('net localgroup "%group%"') do if /i "%%m"=="%USERNAME%" set "administrators=%group%"`,
  'exit /b 0',
];

/** Returns the step `finish`: nothing of the installation runs again, and no password is left in a file or in the
 *  registry. */
export function finishStep(kind: WindowsKind): string[] {
  return [
    ':finish',
    `reg delete "${RUN}" /v ${NAME} /f`,
    ...(isLegacyKind(kind) ? [] : [`call :run schtasks /delete /tn ${NAME} /f`]),
    `call :text "${WINLOGON}" AutoAdminLogon 0`,
    ...['DefaultPassword', 'AutoLogonCount'].map((name) => `reg delete "${WINLOGON}" /v ${name} /f`),
    ...ANSWER_COPIES.map((path) => `if exist "%WINDIR%\\${path}" del /f /q "%WINDIR%\\${path}"`),
    `call :read "${WINLOGON}" DefaultPassword`,
    'if not defined value set "code=0"& exit /b 0',
    'set "reason=the password of the automatic logon cannot be removed"',
    'exit /b 0',
  ];
}
