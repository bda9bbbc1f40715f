import type { Operator } from '../records.ts';

/** Bits of the character classes: `STR`, `HEX` and `B64` of setup's inilex.ll. */
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

/** The class bits of each byte; 0 for everything that ends a word. */
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

/** Every spelling setup knows; anything else that begins a line and ends in a colon is dropped with its line.
 *  Source: cygwin-setup inilex.ll. */
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

/** The class bits that all bytes of a word have in common. */
export function commonClasses(word: string): number {
  let bits = WORD | HEX | BASE64;
  for (let at = 0; at < word.length; at++) bits &= CLASSES[word.charCodeAt(at)] ?? 0;
  return bits;
}

/** Tells whether setup reads a run of word characters as a digest, whatever it stands for.
 *  `bits` is what `commonClasses` gives for it. */
export function isDigest(length: number, bits: number): boolean {
  if (length === SHA512_DIGITS || length === MD5_DIGITS) return (bits & HEX) !== 0;
  return length === SHA512_BASE64_DIGITS && (bits & BASE64) !== 0;
}

const BASE64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Turns 86 base64url characters into 128 hexadecimal digits; the four bits left over are ignored, as setup does. */
export function sha512FromBase64(text: string): string {
  let hex = '';
  let bits = 0;
  let held = 0;
  for (const one of text) {
    held = ((held << 6) | BASE64_ALPHABET.indexOf(one)) & 0xfff;
    bits += 6;
    while (bits >= 4 && hex.length < SHA512_DIGITS) {
      bits -= 4;
      hex += ((held >> bits) & 15).toString(16);
    }
  }
  return hex;
}
