import { hash } from 'node:crypto';
import { closeSync, fstatSync, futimesSync, openSync, renameSync, rmSync, writeSync, writevSync } from 'node:fs';
import type { Digest, RepoFile } from '../file.ts';
import { PART_SUFFIX } from '../layout.ts';
import type { Looks } from '../stamps.ts';
import { wrongDigest, wrongSize } from '../verify-error.ts';

/** Files up to this size are checked in memory before anything is written. */
export const SMALL_BYTES = 1 << 20;

/** Gathers a small file and compares it with what was promised. Throws VerifyError, and what the chunks throw. */
export async function receiveSmall(file: RepoFile, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly pieces: readonly Uint8Array[]; readonly digest: Digest }> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    sizeBytes += chunk.length;
  }
  if (sizeBytes !== file.sizeBytes) throw wrongSize(file, sizeBytes);
  const [first] = pieces;
  const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  const algorithm = file.digest?.algorithm ?? 'sha512';
  const hex = hash(algorithm, whole, 'hex');
  if (file.digest !== undefined && hex !== file.digest.hex) throw wrongDigest(file, file.digest, hex);
  return { pieces, digest: { algorithm, hex } };
}

/** Puts a small file into place: written beside its target, then renamed. Synchronous, because four calls that only touch
 *  memory cost less than the four hand-overs between threads. Returns how the file looks. Throws errors of the system, and
 *  then leaves nothing behind. */
export function placeSmall(location: string, pieces: readonly Uint8Array[], mtimeMs: number): Looks {
  const part = `${location}${PART_SUFFIX}`;
  const file = openSync(part, 'w');
  try {
    let looks: Looks;
    try {
      writeAll(file, pieces);
      futimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
      looks = fstatSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, location);
    return looks;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function writeAll(file: number, pieces: readonly Uint8Array[]): void {
  const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  let at = writevSync(file, pieces);
  if (at === sizeBytes) return;
  // A full disk takes a part, and says so at the next call.
  const whole = Buffer.concat(pieces);
  while (at < sizeBytes) at += writeSync(file, whole, at);
}
