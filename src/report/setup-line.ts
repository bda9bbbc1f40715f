import type { SetupCommand } from '../core/lock/setup-command.ts';

/** Directory that stands for a directory of a computer without Windows. */
const WINDOWS_DIRECTORY = 'C:\\repo';

const DIRECTORY_OPTION = '--local-package-dir';

/** Returns a call of setup as a sentence for people. */
export function setupText(setup: SetupCommand): string {
  return `install it on Windows: ${setupLine(setup)}\n`;
}

/** Returns a call of setup as one line for the command prompt of Windows. A local package directory that is not a path
 *  of Windows is written as `C:\repo`. */
export function setupLine({ program, arguments: words }: SetupCommand): string {
  const shown = words.map((word, i) => (words[i - 1] === DIRECTORY_OPTION ? windowsDirectory(word) : word));
  return [program, ...shown].map(quoteWindowsWord).join(' ');
}

function windowsDirectory(path: string): string {
  return /^(?:[A-Za-z]:|\\\\)/.test(path) ? path : WINDOWS_DIRECTORY;
}

/** Quotes a word so that a program of Windows reads exactly these characters: a quote and the backslashes before it get
 *  a backslash each. A comma is quoted for PowerShell, which makes a list of it. The command prompt replaces `%NAME%`
 *  of a variable in quotes too, and has no way to prevent it.
 *  Source: Microsoft's documentation of `CommandLineToArgvW`. */
export function quoteWindowsWord(word: string): string {
  if (/^[\w@+=:./\\~-]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
