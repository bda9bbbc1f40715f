import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Digest } from '../repo/files/file.ts';
import { readIso } from './read/iso.ts';
import type { Extent, IsoTreeFile } from './read/iso.ts';

/** Expected content of one file on an image. */
export interface ExpectedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** A difference between a medium and its expected content, in one file. */
export interface Difference {
  /** The directory tree: Linux reads Rock Ridge, Windows reads Joliet or FAT. */
  readonly view: 'rock-ridge' | 'joliet' | 'fat';
  readonly kind: 'missing' | 'unexpected' | 'twice' | 'wrong-size' | 'wrong-content';
  readonly path: string;
}

const PIECE_BYTES = 1 << 20;

/** Compares the names, sizes and digests of both trees of an image with the expected files. Returns the differences
 *  by view and path. Throws `damaged` for an image that cannot be parsed, and the reason of the signal. */
export async function compareIso(
  image: string,
  expected: readonly ExpectedFile[],
  signal?: AbortSignal,
): Promise<Difference[]> {
  const file = await open(image, 'r');
  try {
    const { rockRidge, joliet } = await readIso(file);
    const hashes = new Hashes(file, signal);
    return [
      ...(await compareTree('rock-ridge', rockRidge, { expected, hashes })),
      ...(await compareTree('joliet', joliet, { expected, hashes })),
    ];
  } finally {
    await file.close();
  }
}

async function compareTree(
  view: Difference['view'],
  files: readonly IsoTreeFile[],
  { expected, hashes }: { readonly expected: readonly ExpectedFile[]; readonly hashes: Hashes },
): Promise<Difference[]> {
  const found: Difference[] = [];
  const wanted = new Map(expected.map((each) => [each.path, each]));
  const there = new Map<string, IsoTreeFile>();
  for (const file of files) {
    if (there.has(file.path)) found.push({ view, kind: 'twice', path: file.path });
    else if (!wanted.has(file.path)) found.push({ view, kind: 'unexpected', path: file.path });
    there.set(file.path, file);
  }
  // In the order of the image, for sequential reads.
  const inOrder = expected.toSorted((a, b) => startOf(there.get(a.path)) - startOf(there.get(b.path)));
  for (const { path, sizeBytes, digest } of inOrder) {
    const file = there.get(path);
    if (file === undefined) found.push({ view, kind: 'missing', path });
    else if (file.sizeBytes !== sizeBytes) found.push({ view, kind: 'wrong-size', path });
    else if ((await hashes.of(file.extents, digest.algorithm)) !== digest.hex)
      found.push({ view, kind: 'wrong-content', path });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

function startOf(file: IsoTreeFile | undefined): number {
  return file?.extents[0]?.startByte ?? 0;
}

/** Computes digests of extents of an image once, for both trees. */
class Hashes {
  readonly #file: FileHandle;
  readonly #signal: AbortSignal | undefined;
  readonly #known = new Map<string, string>();
  readonly #piece = Buffer.alloc(PIECE_BYTES);

  constructor(file: FileHandle, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#signal = signal;
  }

  async of(extents: readonly Extent[], algorithm: Digest['algorithm']): Promise<string> {
    const key = `${algorithm} ${extents.map(({ startByte, sizeBytes }) => `${startByte}+${sizeBytes}`).join(' ')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const hash = createHash(algorithm);
    for (const { startByte, sizeBytes } of extents) {
      for (let at = 0; at < sizeBytes;) {
        this.#signal?.throwIfAborted();
        const { bytesRead } = await this.#file.read(
          this.#piece,
          0,
          Math.min(PIECE_BYTES, sizeBytes - at),
          startByte + at,
        );
        if (bytesRead === 0) break;
        hash.update(this.#piece.subarray(0, bytesRead));
        at += bytesRead;
      }
    }
    const hex = hash.digest('hex');
    this.#known.set(key, hex);
    return hex;
  }
}
