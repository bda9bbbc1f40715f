import type { Digest, RepoFile } from '../file.ts';
import { PART_SUFFIX } from '../layout.ts';
import type { Looks } from '../stamps.ts';
import { wrongDigest, wrongSize } from '../verify-error.ts';
import type { DiskPool } from './disk-pool.ts';

/** Files up to this size are checked in memory before anything is written. */
export const SMALL_BYTES = 1 << 20;

export interface SmallReceiving {
  readonly pool: DiskPool;
  readonly mtimeMs: number;
}

/** Gathers a small file, of which no more than it should have may come, compares it with what was promised, and puts it into place:
 *  written beside its target, then renamed. All but the gathering happens on a thread, beside the transfers, which makes thousands
 *  of files a tenth sooner. Returns how the file looks. Throws VerifyError, what the chunks throw, and errors of the system, and then leaves
 *  nothing behind. */
export async function receiveSmall(file: RepoFile, location: string, chunks: AsyncIterable<Uint8Array>, { pool, mtimeMs }: SmallReceiving): Promise<{ readonly looks: Looks; readonly digest: Digest }> {
  const bytes = Buffer.allocUnsafeSlow(file.sizeBytes);
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, sizeBytes);
    sizeBytes += chunk.length;
  }
  if (sizeBytes !== file.sizeBytes) throw wrongSize(file, sizeBytes);
  const algorithm = file.digest?.algorithm ?? 'sha512';
  const { hex, looks, failure } = await pool.place({ location, part: `${location}${PART_SUFFIX}`, bytes, algorithm, expected: file.digest?.hex, mtimeMs });
  if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code, syscall: failure.syscall });
  if (file.digest !== undefined && hex !== file.digest.hex) throw wrongDigest(file, file.digest, hex);
  if (looks === undefined) throw new Error(`nothing was written: ${location}`);
  return { looks, digest: { algorithm, hex } };
}
