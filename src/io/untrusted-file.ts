import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Reads a small file that another program, such as a guest, may have replaced by anything. Returns undefined for
 *  everything but a regular file of at most `limitBytes`; follows no link and waits for no FIFO. */
export async function readUntrustedFile(path: string, limitBytes: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, FLAGS);
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limitBytes + 1), 0, limitBytes + 1, 0);
    return bytesRead > limitBytes ? undefined : buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}
