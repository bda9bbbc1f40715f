import type { SetupCommand } from '../core/lock/setup-command.ts';

/** Directory that stands for a directory of a computer without Windows. */
const WINDOWS_DIRECTORY = 'C:\\repo';

/** Returns a call of setup as a sentence for users; empty without a call. */
export function setupText(setup: SetupCommand | null): string {
  return setup === null ? '' : `install it on Windows: ${setupLine(setup)}\n`;
}

/** Returns a call of setup as one line for the command prompt of Windows. On a computer without Windows the
 *  local package directory is written as `C:\repo`, and the file of a public key without its directory. */
export function setupLine({ program, arguments: words }: SetupCommand): string {
  const shown = words.map((word, i) => windowsPath(word, words[i - 1]));
  return [program, ...shown].map(quoteWindowsWord).join(' ');
}

function windowsPath(word: string, option: string | undefined): string {
  if (!word.startsWith('/')) return word;
  if (option === '--local-package-dir') return WINDOWS_DIRECTORY;
  return option === '--pubkey' ? (word.split('/').at(-1) ?? word) : word;
}

/** Quotes a word so that a program of Windows reads exactly these characters: a quote and the backslashes before it get
 *  a backslash each. A comma is quoted for PowerShell, which makes a list of it. The command prompt replaces `%NAME%`
 *  of a variable in quotes too, and has no way to prevent it.
 *  Source: Microsoft's documentation of `CommandLineToArgvW`. */
export function quoteWindowsWord(word: string): string {
  if (/^[\w@+=:./\\~-]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
