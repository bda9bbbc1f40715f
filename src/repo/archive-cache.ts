import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import { Directories } from './disk/directories.ts';
import { hasCode } from '../io/system-error.ts';
import type { DiskPool } from './disk/disk-pool.ts';
import type { RepoFile } from './file.ts';
import { TEMP_SUFFIX } from './layout.ts';

/** Archives by content, shared by all repos of a user: `sha512/ab/ab12…` below its directory. Hard links where cache and repo
 *  are on one file system, else copies (reflinks where there are such), so a file may be changed through another repo: what
 *  comes out is hashed again each time. Trouble with it is a note, never an error. Nothing here ever deletes intact entries. */
export class ArchiveCache {
  readonly #directory: string;
  readonly #pool: DiskPool;
  readonly #report: Report;
  readonly #directories = new Directories();

  constructor(directory: string, pool: DiskPool, report: Report) {
    this.#directory = directory;
    this.#pool = pool;
    this.#report = report;
  }

  /** Puts a file from the cache at `target`, which must not exist, and says whether it was there and intact. A damaged one is
   *  removed from the cache. */
  async take(file: RepoFile, target: string): Promise<boolean> {
    const entry = this.#entryOf(file);
    if (entry === undefined) return false;
    try {
      linkOrCopy(entry, target);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) this.#note('cannot be read', error);
      return false;
    }
    let isIntact = false;
    await this.#pool.hashFiles(
      [{ location: target, sizeBytes: file.sizeBytes, sha512: true, md5: false }],
      ([found]) => {
        isIntact =
          found !== undefined &&
          'sha512' in found &&
          found.sizeBytes === file.sizeBytes &&
          found.sha512 === file.digest?.hex;
      },
    );
    if (!isIntact) {
      rmSync(target, { force: true });
      rmSync(entry, { force: true });
      this.#report({ kind: 'note', message: `the cached archive is damaged and was removed: \`${entry}\`` });
    }
    return isIntact;
  }

  /** Keeps a file that was just verified at `location`. */
  keep(file: RepoFile, location: string): void {
    const entry = this.#entryOf(file);
    if (entry === undefined) return;
    try {
      this.#directories.makeFor(entry);
      try {
        linkSync(location, entry);
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return;
        const draft = `${entry}.${randomUUID()}${TEMP_SUFFIX}`;
        try {
          copyFileSync(location, draft, constants.COPYFILE_FICLONE);
          renameSync(draft, entry);
        } finally {
          rmSync(draft, { force: true });
        }
      }
    } catch (error) {
      this.#note('cannot be written', error);
    }
  }

  #entryOf({ digest }: RepoFile): string | undefined {
    if (digest?.algorithm !== 'sha512') return undefined;
    return join(this.#directory, 'sha512', digest.hex.slice(0, 2), digest.hex);
  }

  #note(what: string, error: unknown): void {
    this.#report({
      kind: 'note',
      message: `the cache of archives ${what}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EEXIST')) throw error;
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}
