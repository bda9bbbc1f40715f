/** Quotes an argument of a program for a command file, so that the program gets exactly these characters. Within
 *  quotation marks `& | < > ( ) ^ , ; =` are plain, and so is `!` without delayed expansion; `%` is doubled. Only a
 *  backslash before the quotation mark at the end is doubled. Throws TypeError for what cannot be in a command file: a
 *  quotation mark, a control character, or a character that is not ASCII.
 *  Source: Microsoft, `Parsing C command-line arguments`. */
export function quoteForCmd(argument: string): string {
  if (!/^[ !#-~]*$/.test(argument))
    throw new TypeError('an argument in a command file must be printable ASCII without quotation marks');
  if (/^[\w.:/-]+$/.test(argument)) return argument;
  return `"${argument.replaceAll('%', '%%').replace(/\\+$/, '$&$&')}"`;
}
