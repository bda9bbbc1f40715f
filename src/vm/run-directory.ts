import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namesIn } from '../io/directories.ts';
import { acquireLock, isLockHeld, removeStaleLock } from '../io/lock-file.ts';

/** Leaves room in the address of a socket for names in the directory. */
const LONGEST_PARENT_BYTES = 40;

/** Names of run directories, and of their lock files beside them. */
const RUN_DIRECTORY = /^cygstrap-[0-9a-f]{12}$/;
const LOCK_FILE = /^cygstrap-[0-9a-f]{12}\.lock/;

/** A private directory for the sockets and temporary files of one run; disposing of it removes it. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Creates a directory with mode 0700 and a path short enough for sockets: in the temporary directory of the
 *  system, or in /tmp if that path is long. Throws `io` and errors of the system. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const path = join(parentDirectory(), `cygstrap-${randomBytes(6).toString('hex')}`);
  // The lock is created before the directory and released after its removal: a directory without a lock is left over.
  const lock = await acquireLock(lockOf(path));
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    await lock.release();
    throw error;
  }
  const end = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true });
    await lock.release();
  };
  return { path, [Symbol.asyncDispose]: end };
}

/** Removes the run directories of this user whose process was killed. Throws `io` and errors of the system. */
export async function removeAbandonedRunDirectories(): Promise<void> {
  const parent = parentDirectory();
  const names = await namesIn(parent);
  for (const path of names.filter((name) => RUN_DIRECTORY.test(name)).map((name) => join(parent, name)))
    if ((await isOwn(path)) && !(await isLockHeld(lockOf(path)))) await rm(path, { recursive: true, force: true });
  for (const path of names.filter((name) => LOCK_FILE.test(name)).map((name) => join(parent, name)))
    if (await isOwn(path)) await removeStaleLock(path);
}

function parentDirectory(): string {
  return Buffer.byteLength(tmpdir()) <= LONGEST_PARENT_BYTES ? tmpdir() : '/tmp';
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

/** Returns whether a path is a file or directory of this user, and not a link. */
async function isOwn(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && !found.isSymbolicLink() && found.uid === process.getuid?.();
}
