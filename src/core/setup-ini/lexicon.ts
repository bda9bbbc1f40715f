import type { Operator } from './records.ts';

/** Bits of the character classes. Source: cygwin-setup inilex.ll `STR`, `HEX`, `B64`. */
export const WORD = 1;
export const HEX = 2;
export const BASE64 = 4;

function characterClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const add = (characters: string, bits: number): void => {
    for (const one of characters) classes[one.charCodeAt(0)] = bits;
  };
  add('GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyzABCDEF_-', WORD | BASE64);
  add('0123456789abcdef', WORD | BASE64 | HEX);
  add('!./:\\+~', WORD);
  return classes;
}

/** Class bits of each byte; 0 for a byte that ends a word. */
export const CLASSES = characterClasses();

export type HeaderKey = 'release' | 'arch' | 'setup-timestamp' | 'setup-version' | 'setup-minimum-version';
export type ListKey = 'depends' | 'obsoletes' | 'provides' | 'conflicts' | 'build-depends';
export type ItemKey =
  | ListKey
  | 'version'
  | 'install'
  | 'source'
  | 'source-name'
  | 'sdesc'
  | 'ldesc'
  | 'category'
  | 'requires'
  | 'replace-versions'
  | 'message';
export type Key = HeaderKey | ItemKey | 'package';

/** Every spelling of every key: the only table of keywords. To add a keyword, add its spelling here. To add a key, also
 *  add it to the types above; the compiler then reports the `switch` statements in grammar.ts and lines.ts that need a
 *  case. A line that begins with any other word and a colon is dropped with a warning. Source: cygwin-setup inilex.ll.
 */
export const KEYWORDS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ['release:', 'release'],
  ['arch:', 'arch'],
  ['setup-timestamp:', 'setup-timestamp'],
  ['setup-version:', 'setup-version'],
  ['setup-minimum-version:', 'setup-minimum-version'],
  ['Package:', 'package'],
  ['version:', 'version'],
  ['Version:', 'version'],
  ['install:', 'install'],
  ['Filename:', 'install'],
  ['source:', 'source'],
  ['Source:', 'source-name'],
  ['sdesc:', 'sdesc'],
  ['ldesc:', 'ldesc'],
  ['category:', 'category'],
  ['Section:', 'category'],
  ['requires:', 'requires'],
  ['depends:', 'depends'],
  ['Depends:', 'depends'],
  ['depends2:', 'depends'],
  ['Depends2:', 'depends'],
  ['obsoletes:', 'obsoletes'],
  ['Obsoletes:', 'obsoletes'],
  ['provides:', 'provides'],
  ['Provides:', 'provides'],
  ['conflicts:', 'conflicts'],
  ['Conflicts:', 'conflicts'],
  ['build-depends:', 'build-depends'],
  ['Build-depends:', 'build-depends'],
  ['build-Depends:', 'build-depends'],
  ['Build-Depends:', 'build-depends'],
  ['replace-versions:', 'replace-versions'],
  ['message:', 'message'],
]);

export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['=', '='],
  ['<', '<'],
  ['<<', '<'],
  ['>', '>'],
  ['>>', '>'],
  ['<=', '<='],
  ['>=', '>='],
]);

export const MD5_DIGITS = 32;
export const SHA512_DIGITS = 128;
export const SHA512_BASE64_DIGITS = 86;

/** Returns the class bits common to all bytes of a word. */
export function commonClasses(word: string): number {
  let bits = WORD | HEX | BASE64;
  for (let at = 0; at < word.length; at++) bits &= CLASSES[word.charCodeAt(at)] ?? 0;
  return bits;
}

/** Returns whether setup reads a word of `length` bytes as a digest, wherever it occurs. `bits` are its common classes.
 */
export function isDigest(length: number, bits: number): boolean {
  if (length === SHA512_DIGITS || length === MD5_DIGITS) return (bits & HEX) !== 0;
  return length === SHA512_BASE64_DIGITS && (bits & BASE64) !== 0;
}

const BASE64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Converts 86 base64url characters to 128 hexadecimal digits. Ignores the last four bits, as setup does. */
export function sha512FromBase64(text: string): string {
  let hex = '';
  let bits = 0;
  let value = 0;
  for (const one of text) {
    value = ((value << 6) | BASE64_ALPHABET.indexOf(one)) & 0xfff;
    bits += 6;
    while (bits >= 4 && hex.length < SHA512_DIGITS) {
      bits -= 4;
      hex += ((value >> bits) & 15).toString(16);
    }
  }
  return hex;
}
