/** The compressions an index comes in, named as Cygwin's mirrors end their file names. */
export type Compression = 'zst' | 'xz' | 'bz2' | 'gz';

/** How many bytes of the beginning `sniffCompression` looks at. */
export const SNIFF_BYTES = 6;

/** Source: RFC 8878 3.1.1 and 3.1.2 (a frame, and the first of sixteen kinds of skippable frame); The .xz File Format 2.1.1.1;
 *  bzip2's compress.c; RFC 1952 2.3.1. */
const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['gz', [0x1f, 0x8b]],
];

/** Tells the compression from the first bytes, never from a name: `none` is plain text, or anything else.
 *  A head that ends inside a magic number (two bytes or more of it) counts, so that a file cut there is called cut. */
export function sniffCompression(head: Uint8Array): Compression | 'none' {
  if (head.length < 2) return 'none';
  for (const [compression, magic] of MAGIC) {
    if (magic.every((byte, at) => at >= head.length || head[at] === byte)) return compression;
  }
  return isSkippableFrame(head) ? 'zst' : 'none';
}

function isSkippableFrame(head: Uint8Array): boolean {
  const [first = 0, second, third, fourth] = head;
  return (first & 0xf0) === 0x50 && second === 0x2a && third === 0x4d && fourth === 0x18;
}
