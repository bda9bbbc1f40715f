import { chmodSync, constants, copyFileSync, existsSync, linkSync, lstatSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import { createAtomically, replaceFile, temporaryPathOf } from '../io/atomic-file.ts';
import { Directories } from './disk/directories.ts';
import { hasCode } from '../io/system-error.ts';
import type { HashPool } from './disk/hash-pool.ts';
import type { RepoFile } from './files/file.ts';
import type { FileStatus } from './disk/file-status.ts';

/** Archives by content, shared by all repos of a user: `sha512/ab/ab12…` below its directory. Entries share their data
 *  with the files of repos: as reflinks where the file system has them, otherwise as hard links, otherwise not. A file
 *  with hard links is read-only, so that an edit in one repo does not reach the others by accident; Windows ignores
 *  that, and root does. So each entry is hashed when it is used, and repos read a file again whose status changed.
 *  Failures are reported as notes, never thrown. Only
 *  damaged entries are removed. */
export class ArchiveCache {
  readonly #directory: string;
  readonly #pool: HashPool;
  readonly #report: Report;
  readonly #directories = new Directories(undefined);
  /** Whether cache and repo can share data by reflinks, as far as it is known. */
  #hasReflinks = true;

  constructor(directory: string, pool: HashPool, report: Report) {
    this.#directory = directory;
    this.#pool = pool;
    this.#report = report;
  }

  /** Links or copies an archive to `target`, which must not exist, and verifies it. Returns its status; undefined if it
   *  is not in the cache. A damaged entry is removed. */
  async take(file: RepoFile, target: string): Promise<FileStatus | undefined> {
    const entry = this.#entryOf(file);
    if (entry === undefined) return undefined;
    try {
      if (!this.#clone(entry, target) && !linkReadOnly(entry, target))
        await copyFile(entry, target, constants.COPYFILE_EXCL);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) this.#note('cannot be read', error);
      return undefined;
    }
    let status: FileStatus | undefined;
    await this.#pool.hashFiles([{ location: target, sizeBytes: file.sizeBytes, algorithms: ['sha512'] }], ([found]) => {
      if (found === undefined || 'errorCode' in found || found.digests.sha512 !== file.digest?.hex) return;
      if (found.sizeBytes === file.sizeBytes) status = { ...found, size: BigInt(found.sizeBytes) };
    });
    if (status === undefined) {
      rmSync(target, { force: true });
      rmSync(entry, { force: true });
      this.#report({ kind: 'note', message: `removed a damaged entry of the archive cache: \`${entry}\`` });
    }
    return status;
  }

  /** Adds a file that was just verified at `location`. */
  async add(file: RepoFile, location: string): Promise<void> {
    const entry = this.#entryOf(file);
    if (entry === undefined) return;
    try {
      await this.#directories.createFor(entry);
      if (existsSync(entry)) return;
      const temporary = temporaryPathOf(entry);
      if (this.#clone(location, temporary)) await replaceFile(temporary, entry);
      else if (!linkReadOnly(location, entry))
        await createAtomically(entry, (copy) => copyFile(location, copy, constants.COPYFILE_EXCL));
    } catch (error) {
      // Another process was faster.
      if (!hasCode(error, 'EEXIST')) this.#note('cannot be written', error);
    }
  }

  /** Makes `to` a reflink of `from`; returns false where there are none. Throws errors of the system. */
  #clone(from: string, to: string): boolean {
    if (!this.#hasReflinks) return false;
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'EEXIST')) throw error;
      return (this.#hasReflinks = false);
    }
  }

  #entryOf({ digest }: RepoFile): string | undefined {
    if (digest?.algorithm !== 'sha512') return undefined;
    return join(this.#directory, 'sha512', digest.hex.slice(0, 2), digest.hex);
  }

  #note(failure: string, error: unknown): void {
    this.#report({
      kind: 'note',
      message: `the archive cache ${failure}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

/** Makes `to` a read-only hard link of `from`. Returns false if that is not possible. Windows cannot replace read-only
 *  files, so they stay writable there. Throws errors of the system. */
function linkReadOnly(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EEXIST')) throw error;
    return false;
  }
  try {
    const { mode } = lstatSync(to);
    if (process.platform !== 'win32' && (mode & 0o222) !== 0) chmodSync(to, mode & 0o555);
    return true;
  } catch {
    rmSync(to, { force: true });
    return false;
  }
}
