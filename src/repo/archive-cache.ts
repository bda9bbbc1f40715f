import { constants, linkSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import { createAtomically } from '../io/atomic-file.ts';
import { Directories } from './disk/directories.ts';
import { hasCode } from '../io/system-error.ts';
import type { HashPool } from './disk/hash-pool.ts';
import type { RepoFile } from './files/file.ts';
import type { FileStatus } from './disk/file-status.ts';

/** Archives by content, shared by all repos of a user: `sha512/ab/ab12…` below its directory. Entries are hard links
 *  where cache and repo are on one file system, otherwise copies (reflinks where supported). A file can therefore
 *  change through another repo, and is hashed each time it is used. Failures are reported as notes, never thrown. Only
 *  damaged entries are removed. */
export class ArchiveCache {
  readonly #directory: string;
  readonly #pool: HashPool;
  readonly #report: Report;
  readonly #directories = new Directories(undefined);

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
      await linkOrCopy(entry, target);
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
      try {
        linkSync(location, entry);
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return;
        await createAtomically(entry, (temporary) => copyFile(location, temporary, constants.COPYFILE_FICLONE));
      }
    } catch (error) {
      this.#note('cannot be written', error);
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

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    linkSync(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EEXIST')) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}
