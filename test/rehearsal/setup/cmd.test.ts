import { describe, expect, test } from 'vitest';
import { scriptCall } from '../../../src/guest/windows/options.ts';
import { runCommandLine, UnknownConstruct } from './cmd.ts';

/** Runs a command line with files; returns what came of it. */
function run(
  line: string,
  files: Readonly<Record<string, string>> = {},
  exitCodes: Readonly<Record<string, number>> = {},
  outputs: Readonly<Record<string, string>> = {},
) {
  const com1: string[] = [];
  const ran: string[] = [];
  const all = new Map(Object.entries(files));
  const exitCode = runCommandLine(line, {
    read: (path) => all.get(path),
    write: (path, text, isAppended) => all.set(path, isAppended ? `${all.get(path) ?? ''}${text}` : text) === all,
    list: (directory) => [...all.keys()].filter((path) => path.startsWith(`${directory}\\`)),
    remove: (path) => void all.delete(path),
    makeDirectory: (path) => void all.set(`${path}\\`, ''),
    com1: (text) => com1.push(text),
    run: (name, args) => {
      ran.push([name, ...args].join(' '));
      return name === 'unknown' ? undefined : { exitCode: exitCodes[name] ?? 0, output: outputs[name] ?? '' };
    },
  });
  return { com1, ran, exitCode, files: all };
}

/** Runs a batch file with arguments. */
const batch = (lines: readonly string[], args = '', exitCodes = {}, outputs = {}) =>
  run(`D:\\x.cmd ${args}`, { 'D:\\x.cmd': `${lines.join('\r\n')}\r\n` }, exitCodes, outputs);

test('the call of the answer file finds its medium on any drive, and does nothing without it', () => {
  const script = '@echo off\r\n>COM1 echo %1 at %~dp0\r\n';
  for (const letter of ['C', 'F', 'Z']) {
    const files = { [`${letter}:\\cygstrap.id`]: '', [`${letter}:\\cygstrap.cmd`]: script };
    expect(run(scriptCall('logon'), files).com1).toEqual([`logon at ${letter}:\\`]);
  }
  expect(run(scriptCall('logon'), { 'X:\\cygstrap.id': '', 'X:\\cygstrap.cmd': script }).com1).toEqual([]);
});

describe('a batch file', () => {
  test('jumps, calls labels with arguments, and ends', () => {
    const lines = [
      'goto %1',
      ':a',
      '>COM1 echo a',
      'goto :eof',
      ':B',
      'call :sub "one two" 3',
      '>COM1 echo code %errorlevel%',
      'exit /b 4',
      ':sub',
      '>COM1 echo %~1 %1 %2 %*',
      'exit /b 7',
    ];
    expect(batch(lines, 'a').com1).toEqual(['a']);
    expect(batch(lines, 'b')).toMatchObject({ com1: ['one two "one two" 3 "one two" 3', 'code 7'], exitCode: 4 });
    expect(() => batch(lines, 'c')).toThrow('no label c');
  });

  test('reads lines of programs, files and texts, counts, and takes parts of variables', () => {
    const lines = [
      `for /f "tokens=1,2,*" %%a in ('list 2^>nul') do if /i "%%a"=="NAME" set "value=%%c"`,
      '>COM1 echo "%value%" "%value:~0,3%" %value:~-2% %none:~0,3%',
      'for /f "delims=\\ " %%v in ("1.2\\0") do >COM1 echo %%v',
      'for /f "usebackq tokens=2" %%a in ("D:\\x.cmd") do set "word=%%a"',
      '>COM1 echo %word%',
      'for /l %%i in (1,1,3) do set /a sum+=%%i',
      'set /a sum=sum+0x10',
      '>"D:\\answer" echo %sum%',
      'set /p answer=<"D:\\answer"',
      'if %answer% gtr 21 >COM1 echo %answer%',
      'rem last',
    ];
    const { com1 } = batch(lines, '', {}, { list: 'key\r\n  name\tREG_SZ    a & b %c%\r\n\r\n' });
    expect(com1).toEqual(['"a & b %c%" "a &" c% ~0,3', '1.2', 'last', '22']);
  });

  test('has conditions and blocks', () => {
    const lines = [
      'if "%1"=="x" (',
      '  >COM1 echo yes',
      ') else (',
      '  >COM1 echo no',
      ')',
      'if /i %1==X >COM1 echo folded & >COM1 echo and more',
      'if not exist D:\\x.cmd >COM1 echo absent',
      'net user || >COM1 echo failed',
      'net user && >COM1 echo done',
      'if errorlevel 2 (>COM1 echo two) else >COM1 echo less',
      'if %ERRORLEVEL% neq 0 >COM1 echo not zero',
    ];
    expect(batch(lines, 'x').com1).toEqual(['yes', 'folded ', 'and more', 'done', 'less']);
    expect(batch(lines, 'y', { net: 2 }).com1).toEqual(['no', 'failed', 'two', 'not zero']);
  });

  test('has variables, loops, redirections', () => {
    const lines = [
      'set "N=12"',
      'set M=%N%3',
      '>COM1 echo %M% 100%%',
      'for %%i in (a b) do >COM1 echo %%i',
      'reg add HKLM\\X /v "A B" >nul 2>&1',
      'echo 9>COM1',
      '>C:\\t.txt echo text',
      'type C:\\t.txt >COM1',
    ];
    // The digit before the sign is a handle, as in cmd.
    const result = batch(lines);
    expect(result.com1).toEqual(['123 100%', 'a', 'b', 'text']);
    expect(result.ran).toEqual(['reg add HKLM\\X /v "A B"']);
    expect(result.files.get('C:\\t.txt')).toBe('text\r\n');
  });

  test.each([
    ['for /f %%i in (x) do echo %%i'],
    ['echo a^b'],
    ['setlocal EnableDelayedExpansion'],
    ['unknown /x'],
    ['set /a N=2*2'],
    ['if exist'],
    [':again\r\ngoto again'],
  ])('stops at what the emulation does not know: %s', (line) => {
    expect(() => batch([line])).toThrow(UnknownConstruct);
  });
});
