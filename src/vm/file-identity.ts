import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** What tells a file, as it is now, from all others and from itself after any write: number, size, times of its content and of its entry, to
 *  the nanosecond. Whoever writes can set back the time of the content, but not that of the entry. A copy has another. Throws errors of the
 *  system. */
export async function identityOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

/** sha256 of a file, in hex. Throws errors of the system. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
