import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Leaves room in the address of a socket for names in the directory. */
const LONGEST_PARENT_BYTES = 40;

const PREFIX = 'cygstrap-';

/** A private directory for the sockets and temporary files of one run; disposing of it removes it. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Creates a directory with mode 0700 and a path short enough for sockets: in the temporary directory of the
 *  system, or in /tmp if that path is long. Throws errors of the system. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const parent = Buffer.byteLength(tmpdir()) <= LONGEST_PARENT_BYTES ? tmpdir() : '/tmp';
  const path = await mkdtemp(join(parent, PREFIX));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Returns whether a path has the form of one made by `makeRunDirectory`. */
export function isRunDirectory(path: string): boolean {
  return basename(path).startsWith(PREFIX);
}
