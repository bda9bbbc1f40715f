import type { Digest, RepoFile } from '../file.ts';
import type { Looks } from '../stamps.ts';
import { wrongDigest } from '../verify-error.ts';
import { LARGEST_BLOCK_BYTES } from './blocks.ts';
import type { Block } from './blocks.ts';
import type { DiskPool } from './disk-pool.ts';

/** Files up to this size are checked in memory before anything is written. */
export const SMALL_BYTES = LARGEST_BLOCK_BYTES;

export interface SmallPlacing {
  readonly pool: DiskPool;
  readonly mtimeMs: number;
}

/** Puts the bytes of chunks into a block and gives their number; there must be no more than it holds. */
export async function fill({ bytes }: Block, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let receivedBytes = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, receivedBytes);
    receivedBytes += chunk.length;
  }
  return receivedBytes;
}

/** Compares a small file in a block with what was promised, and puts it into place: written beside its target, then renamed. It happens
 *  on a thread, beside the transfers. Returns how the file looks. Throws VerifyError and errors of the system, and then leaves nothing
 *  behind. */
export async function placeSmall(
  file: RepoFile,
  location: string,
  block: Block,
  { pool, mtimeMs }: SmallPlacing,
): Promise<{ readonly looks: Looks; readonly digest: Digest }> {
  const { sizeBytes, digest } = file;
  const algorithm = digest?.algorithm ?? 'sha512';
  const expected = digest?.hex;
  const {
    hex = expected,
    looks,
    failure,
  } = await pool.place(block, { location, sizeBytes, algorithm, expected, mtimeMs });
  if (failure !== undefined)
    throw Object.assign(new Error(failure.message), { code: failure.code, syscall: failure.syscall });
  if (digest !== undefined && hex !== undefined && hex !== digest.hex) throw wrongDigest(file, digest, hex);
  if (hex === undefined || looks === undefined) throw new Error(`nothing was written: ${location}`);
  return { looks, digest: { algorithm, hex } };
}
