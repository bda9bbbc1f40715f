/** Quotes a word for a POSIX shell, so that the shell reads exactly these characters. Throws TypeError for the
 *  character NUL, which no argument can contain. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new TypeError('an argument of a command cannot contain the character NUL');
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes an argument list as one command line for a POSIX shell. Throws TypeError for the character NUL. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}
