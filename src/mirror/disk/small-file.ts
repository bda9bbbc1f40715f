import type { Digest, RepoFile } from '../file.ts';
import type { Looks } from '../stamps.ts';
import { wrongDigest, wrongSize } from '../verify-error.ts';
import { BLOCK_BYTES } from './blocks.ts';
import type { DiskPool } from './disk-pool.ts';

/** Files up to this size are checked in memory before anything is written. */
export const SMALL_BYTES = BLOCK_BYTES;

export interface SmallPlacing {
  readonly pool: DiskPool;
  readonly mtimeMs: number;
}

/** Compares the pieces of a small file with what was promised, and puts it into place: written beside its target, then renamed.
 *  Comparing and writing happen on a thread, beside the transfers. Returns how the file looks. Throws VerifyError and errors of the
 *  system, and then leaves nothing behind. */
export async function placeSmall(file: RepoFile, location: string, pieces: readonly Uint8Array[], { pool, mtimeMs }: SmallPlacing): Promise<{ readonly looks: Looks; readonly digest: Digest }> {
  const sizeBytes = pieces.reduce((total, piece) => total + piece.length, 0);
  if (sizeBytes !== file.sizeBytes) throw wrongSize(file, sizeBytes);
  const algorithm = file.digest?.algorithm ?? 'sha512';
  const expected = file.digest?.hex;
  const { hex = expected, looks, failure } = await pool.place({ location, pieces, sizeBytes, algorithm, expected, mtimeMs });
  if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code, syscall: failure.syscall });
  if (hex === undefined) throw new Error(`not hashed: ${location}`);
  if (file.digest !== undefined && hex !== file.digest.hex) throw wrongDigest(file, file.digest, hex);
  if (looks === undefined) throw new Error(`nothing was written: ${location}`);
  return { looks, digest: { algorithm, hex } };
}
