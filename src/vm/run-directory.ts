import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Leaves most of a socket's address to the names in the directory. */
const LONGEST_PARENT_BYTES = 40;

const PREFIX = 'cygstrap-';

/** A private directory for the sockets and passing files of one run; it goes when it is disposed of. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes a directory that only we may enter, with a path short enough for sockets: in the system's temporary directory, or in /tmp where
 *  that is deep down. Throws errors of the system. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const parent = Buffer.byteLength(tmpdir()) <= LONGEST_PARENT_BYTES ? tmpdir() : '/tmp';
  const path = await mkdtemp(join(parent, PREFIX));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Whether a path is one that `makeRunDirectory` may have made. */
export function isRunDirectory(path: string): boolean {
  return basename(path).startsWith(PREFIX);
}
