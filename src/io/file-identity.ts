import { stat } from 'node:fs/promises';

/** Returns a text that identifies one state of one file: device, inode, size, and the times of content and status
 *  in nanoseconds. Every write changes it: programs can set the time of the content back, but not that of the
 *  status. A copy has another. It is taken from the path, not from an open file: on Windows some releases of
 *  Node.js report different devices for these. Throws errors of the system. */
export async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
