/** Controls (C0, C1), format characters such as U+200B, U+202E and U+FEFF, line and paragraph separators, and lone
 *  surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Replaces by `\u{200b}` every character that could control a terminal, reorder a line or be invisible: U+200B here.
 *  Tabs and line feeds stay. Text of commands passes here in one place, `Output` of the command line.
 *  @param text any text: from an index, a server, a guest, a path
 *  @returns the text with visible characters only */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\n' || char === '\t' ? char : visible(char)));
}

/** Like {@link printable}, for text that must stay on its line or in its cell: also replaces tabs and line feeds. */
export function printableLine(text: string): string {
  return text.replace(UNSAFE, visible);
}

function visible(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Prints a value as JSON that a terminal can show: characters that {@link printable} replaces are escaped as `\u009b`,
 *  so that a JSON parser returns the same value.
 *  @param layout `indented` by two blanks, or on one `line`
 *  @returns JSON without a line break at its end; `null` for a value that JSON lacks */
export function printableJson(value: unknown, layout: 'indented' | 'line' = 'indented'): string {
  const json =
    (JSON.stringify(value, undefined, layout === 'indented' ? 2 : undefined) as string | undefined) ?? 'null';
  // JSON.stringify leaves no control but its own line feeds unescaped below U+007F.
  return json.replace(UNSAFE, (char) => (char === '\n' ? char : escaped(char)));
}

/** Escapes a character for JSON; one above U+FFFF as its two surrogates. */
function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  );
}

/** Escape sequences of terminals, and control characters other than tab and line feed. */
// oxlint-disable-next-line no-control-regex -- control characters are the subject
const SEQUENCE = /\u001b(\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\-~])|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Removes escape sequences and control characters from the output of a program or a guest, where they are usual and
 *  carry no text: colors and movements of the cursor. */
export function withoutControls(text: string): string {
  return text.replaceAll(SEQUENCE, '');
}
