/** A word for a POSIX shell that stands for exactly these characters. Throws TypeError for NUL, which no word can have. */
export function quoted(text: string): string {
  if (text.includes('\0')) throw new TypeError('a word of a command cannot have the character NUL');
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
