import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, ioError, isMissing } from './system-error.ts';

/** Suffix of every temporary file: a dot, 16 random hex digits and `.tmp`. */
const TEMPORARY = /^(.+)\.[0-9a-f]{16}\.tmp$/su;

/** Waits between attempts to rename, in milliseconds; 3.8 s in all. */
const RENAME_DELAYS_MS = [10, 20, 50, 100, 200, 400, 1000, 2000] as const;

/** Returns a new path in the same directory, for a file that will replace `path`: `PATH.<16 hex digits>.tmp`. */
export function temporaryPathOf(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`;
}

/** Returns the file name that a temporary file was made for, or undefined if `path` does not name a temporary file. */
export function targetOfTemporary(path: string): string | undefined {
  return TEMPORARY.exec(basename(path))?.[1];
}

/** System calls of {@link replaceFile}; tests pass others. */
export interface RenameSystem {
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly sleep: (delayMs: number) => Promise<unknown>;
}

/** Renames a file or directory, replacing `to`. Antivirus programs and indexers on Windows open files for a moment,
 *  and the rename then fails with EPERM, EBUSY or EACCES; it is repeated for at most 4 seconds. Throws the last
 *  error of the system. */
export async function replaceFile(from: string, to: string, system: RenameSystem = { rename, sleep }): Promise<void> {
  for (const delayMs of RENAME_DELAYS_MS) {
    try {
      return await system.rename(from, to);
    } catch (error) {
      if (!hasCode(error, 'EPERM', 'EBUSY', 'EACCES')) throw error;
    }
    await system.sleep(delayMs);
  }
  await system.rename(from, to);
}

export interface WriteOptions {
  /** Flush the bytes to the disk before the rename, so that the content survives a loss of power. Default: false. */
  readonly durable?: boolean;
  /** Permissions of the new file. Default: 0o666 without the bits of the umask. */
  readonly mode?: number;
}

/** Writes a file so that readers see the old content or the new, never a part. On failure the old file stays and no
 *  temporary file is left. Throws errors of the system. */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  { durable = false, mode }: WriteOptions = {},
): Promise<void> {
  await createAtomically(path, async (temporary) => {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Creates a file or directory by `create`, which writes to the temporary path that it receives, then renames it to
 *  `path`. Returns the result of `create`. On failure nothing is left. Throws errors of the system, and those of
 *  `create`. */
export async function createAtomically<T>(path: string, create: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = temporaryPathOf(path);
  try {
    const result = await create(temporary);
    await replaceFile(temporary, path);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Removes the temporary files and directories that killed processes left in a directory and below it: those that were
 *  last modified before `beforeMs`, in milliseconds since 1970. `except` is the path of a directory that is not
 *  searched. Does not follow symbolic links. Throws `io`. */
export async function removeOldTemporaries(
  directory: string,
  { beforeMs, except }: { readonly beforeMs: number; readonly except: string },
): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    // It was removed in the meantime.
    if (isMissing(error)) return [];
    throw ioError(error, 'read the directory', directory);
  });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (path === except) continue;
    if (targetOfTemporary(path) === undefined) {
      if (entry.isDirectory()) await removeOldTemporaries(path, { beforeMs, except });
      continue;
    }
    try {
      if ((await lstat(path)).mtimeMs < beforeMs) await rm(path, { recursive: true, force: true });
    } catch (error) {
      if (!isMissing(error)) throw ioError(error, 'remove', path);
    }
  }
}
