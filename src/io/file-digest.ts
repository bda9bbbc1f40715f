import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const READ_BYTES = 1024 * 1024;

/** Returns the SHA-256 of a file in hex. Throws errors of the system. */
export function sha256OfFile(path: string): Promise<string> {
  return digestOfFile(path, 'sha256');
}

/** Returns a digest of a file in hex. Throws errors of the system, and the reason of the signal. */
export async function digestOfFile(
  path: string,
  algorithm: 'sha256' | 'sha512' | 'md5',
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  const hash = createHash(algorithm);
  try {
    await pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), hash, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return hash.digest('hex');
}
