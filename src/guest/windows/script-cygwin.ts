import { CygstrapError } from '../../errors.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';
import { REPO_DIRECTORY } from '../kind.ts';
import type { SetupCall } from '../kind.ts';
import { quoteForCmd } from './cmd-quoting.ts';
import { cygwinPrefix } from './options.ts';
import { driveLetters } from './script-lines.ts';

/** Directory of Cygwin below the system drive. */
export function cygwinDirectory(arch: 'x86' | 'x86_64'): string {
  return arch === 'x86' ? 'cygwin' : 'cygwin64';
}

/** Exit code of setup if Windows must restart before files that are in use are replaced.
 *  Source: cygwin-setup main.cc, `IDS_REBOOT_REQUIRED`. */
const RESTART_NEEDED = 118;

/** Interval at which the progress of setup is printed. */
const POLL_SECONDS = 5;

/** Setup is ended after this time. The host ends an installation earlier if no further package is installed. */
const DEADLINE_HOURS = 12;

/** The words of each line of the log of setup after date and time. */
const LOG_LINES = 'for /f "usebackq tokens=3-5" %%a in ("%root%\\var\\log\\setup.log")';

/** cmd cuts a line after 8191 characters, which includes the values of variables.
 *  Source: Microsoft, `Command prompt line string limitation`. */
const LONGEST_LINE = 8000;

/** Returns the lines of the phase `setup`, which is a process of its own: it runs setup and leaves its exit code in a
 *  file. Setup does not replace itself by a process with other rights, which would end with 0 at once, and makes no
 *  shortcuts. Throws `usage` if cmd cannot have a line of this length. */
export function setupPhase({ program, arguments: words }: SetupCall): string[] {
  const own = ['--no-admin', '--no-desktop', '--no-shortcuts', '--no-startmenu', '--no-version-check'];
  const quoted = [...own, ...words].map((word) => (word === REPO_DIRECTORY ? '%repo%' : quoteForCmd(word)));
  const line = `"%repo%${program}" --root "%root%" ${quoted.join(' ')}`;
  if (line.length > LONGEST_LINE)
    throw new CygstrapError('usage', `too many packages for one call of setup on Windows: ${line.length} characters`, {
      hint: `name fewer packages, or use categories: at most ${LONGEST_LINE} characters`,
    });
  return [
    line,
    'set "result=%errorlevel%"',
    // Renamed, so that the file never exists without its content.
    '>"%folder%\\setup.tmp" echo %result%',
    'ren "%folder%\\setup.tmp" setup.code',
    'exit /b 0',
  ];
}

/** Returns the step `cygwin`: starts the phase `setup`, prints as progress how many packages setup has begun to
 *  install, and checks its exit code and its log. */
export function cygwinStep({ program, packages }: SetupCall, letters: string): string[] {
  return [
    ':cygwin',
    'call :tell stage cygwin',
    'call :repo',
    `if not defined repo set "reason=no drive has ${program}"& exit /b 0`,
    'if exist "%folder%\\setup.code" del /f /q "%folder%\\setup.code"',
    'if exist "%folder%\\setup.tmp" del /f /q "%folder%\\setup.tmp"',
    'start "" /b cmd.exe /d /c call "%self%" setup',
    'set "polls=0"',
    'set "shown=0"',
    ':poll',
    'if exist "%folder%\\setup.code" goto ended',
    'set /a polls=polls+1',
    `if %polls% gtr ${(DEADLINE_HOURS * 3600) / POLL_SECONDS} goto late`,
    `call :wait ${POLL_SECONDS}`,
    // Setup writes one such file for each package, when it begins to install it. No quotation marks: cmd of wine does
    // not find files with them.
    'set "count=0"',
    'for %%f in (%root%\\etc\\setup\\*.lst.gz) do set /a count+=1',
    `if %count% gtr ${packages} set "count=${packages}"`,
    `if not "%count%"=="%shown%" call :tell stage cygwin %count%/${packages}`,
    'set "shown=%count%"',
    'goto poll',
    ':late',
    `taskkill /f /im ${program}`,
    'set "reason=setup has not ended"',
    'exit /b 0',
    ':ended',
    'set /p result=<"%folder%\\setup.code"',
    `if "%result%"=="${RESTART_NEEDED}" set "restart=1"`,
    `if not "%result%"=="0" if not "%result%"=="${RESTART_NEEDED}" set "reason=setup exited with %result%"& exit /b 0`,
    // Its log ends so if setup itself has ended, and not only a process that started it.
    'set "whole="',
    `${LOG_LINES} do (set "whole="& if "%%a %%b %%c"=="Ending cygwin install" set "whole=1")`,
    'if not defined whole set "reason=the log of setup has no end"& exit /b 0',
    'set "code=0"',
    'exit /b 0',

    ':repo',
    'set "repo="',
    `for %%d in (${letters}) do if exist "%%d:\\${program}" set "repo=%%d:\\"`,
    'exit /b 0',
  ];
}

/** Returns the steps `configure` and `verify`: each runs the bash script of its name on the answer medium, and then
 *  prints on COM1 the lines that it has written to a file. */
export function bashSteps(kind: WindowsKind): string[] {
  const letters = driveLetters(kind).toLowerCase();
  const directory = `/cygdrive/%letter%/${cygwinPrefix(kind)}`.replace(/\/$/, '');
  return [
    ':configure',
    ':verify',
    'call :tell stage %step%',
    'set "lines=%folder%\\console.txt"',
    'if exist "%lines%" del /f /q "%lines%"',
    'set "letter="',
    // In lower case, as Cygwin writes it.
    `for %%d in (${letters}) do if /i "%%d:\\"=="%medium%" set "letter=%%d"`,
    `set "directory=${directory}"`,
    '"%root%\\bin\\bash.exe" -l %directory%/%step%.sh %directory% /cygdrive/c/cygstrap/console.txt',
    'set "code=%errorlevel%"',
    'if exist "%lines%" type "%lines%" >COM1',
    'exit /b 0',
  ];
}
