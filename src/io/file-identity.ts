import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** The fields that change with every write to a file. */
export type FileStat = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** Returns a text that identifies one state of one file: device, inode, size, and the times of content and status in nanoseconds.
 *  Every write changes it: programs can set the time of the content back, but not that of the status. A copy has another.
 *  Compare identities of paths only: on Windows some releases of Node.js report another device for an open file. */
export function identityFrom({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Returns {@link identityFrom} for the file at a path. Throws errors of the system. */
export async function identityOf(path: string): Promise<string> {
  return identityFrom(await stat(path, { bigint: true }));
}
