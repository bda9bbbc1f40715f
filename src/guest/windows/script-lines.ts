import type { WindowsKind } from '../../core/windows/kinds.ts';
import { isLegacyKind } from './options.ts';

/** Runs the step with this label, unless it has finished before; after a failure the script ends. `part` makes steps
 *  with one label different. */
export function runStep(label: string, part?: string): string[] {
  return [tryStep(label, part), 'if not "%code%"=="0" goto failed'];
}

/** Runs the step with this label as {@link runStep}; after a failure the script goes on. */
export function tryStep(label: string, part?: string): string {
  return `call :step ${label}${part === undefined ? '' : ` ${part}`}`;
}

/** Letters that media can have; on Windows XP and 2003 the answer medium is a floppy. */
export function driveLetters(kind: WindowsKind): string {
  const letters = 'C D E F G H I J K L M N O P Q R S T U V W X Y Z';
  return isLegacyKind(kind) ? `A ${letters}` : letters;
}

/** Subroutines of the steps. The outputs of programs are translated; of that of `reg` names and values are not.
 *  - `run COMMAND...`: runs a program that may fail; sets `result` to its exit code.
 *  - `read KEY NAME`: sets `value` to a value of the registry; empties it if there is none.
 *  - `number KEY NAME VALUE [required]`: sets a number in the registry, and reads it.
 *  - `text KEY NAME VALUE`: sets a text in the registry.
 *  - `tell WORDS...`: prints a marker. Not `report`: the log has one writer at a time, which is the step.
 *  - `wait SECONDS`: `timeout` fails without a console. */
export const SUBROUTINES: readonly string[] = [
  // `call`: a program can be a command file.
  ':run',
  'call %*',
  'set "result=%errorlevel%"',
  'if not "%result%"=="0" echo exit code %result%: %*',
  'exit /b 0',

  ':read',
  'set "value="',
  `for /f "tokens=1,2,*" %%a in ('reg query "%~1" /v %2 2^>nul') do if /i "%%a"=="%2" set "value=%%c"`,
  'exit /b 0',

  ':number',
  'reg add "%~1" /v %2 /t REG_DWORD /d %3 /f >nul',
  'call :read "%~1" %2',
  'if defined value set /a value=value',
  'if "%value%"=="%3" exit /b 0',
  'echo %2 of %~1 is not %3',
  'if not "%4"=="required" exit /b 0',
  'set "code=1"',
  'set "reason=%2 cannot be set in the registry"',
  'exit /b 0',

  ':text',
  'reg add "%~1" /v "%~2" /t REG_SZ /d "%~3" /f >nul',
  'if errorlevel 1 echo %~2 of %~1 is not %~3',
  'exit /b 0',

  ':tell',
  'echo %*',
  '>COM1 echo @cygstrap %*',
  'exit /b 0',

  ':wait',
  'set /a pings=%1+1',
  'ping.exe -n %pings% 127.0.0.1 >nul',
  'exit /b 0',
];
