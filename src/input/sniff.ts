/** Compressions of an index, named like the file extensions on Cygwin's mirrors. */
export type Compression = 'zst' | 'xz' | 'bz2' | 'gz';

/** Number of bytes at the beginning that `sniffCompression` reads. */
export const SNIFF_BYTES = 6;

/** Source: RFC 8878 3.1.1 and 3.1.2 (a frame, and the first of sixteen kinds of skippable frame); The .xz File Format
 *  2.1.1.1; bzip2's compress.c; RFC 1952 2.3.1. */
const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['gz', [0x1f, 0x8b]],
];

/** Returns the compression that the first bytes show; `none` for plain text and for everything else. File names do not
 *  matter. A prefix of a magic number counts from two bytes on, so that a file truncated there is reported as
 *  truncated. */
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

/** What the first bytes of a plain text show that no index begins with. */
export type ForeignText = 'web page' | 'JSON file';

/** Returns what the first bytes of a plain text show if that is no index. */
export function foreignText(head: Uint8Array): ForeignText | undefined {
  const [, first = ''] =
    /^(?:\u00ef\u00bb\u00bf)?\s*(<[!?a-z]|\{)/i.exec(Buffer.from(head.subarray(0, 64)).toString('latin1')) ?? [];
  return first === '' ? undefined : first === '{' ? 'JSON file' : 'web page';
}
