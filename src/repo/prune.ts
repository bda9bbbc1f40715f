import { rmSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Lock } from '../core/lock/lock.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { acquireLock } from '../io/lock-file.ts';
import type { LockOptions } from '../io/lock-file.ts';
import { indexesInForce } from './index-files.ts';
import type { IndexInForce } from './index-files.ts';
import { LOCK_NAME, PART_CACHED_SUFFIX, PART_NOTE_SUFFIX, PART_SUFFIX, ownFile } from './files/layout.ts';
import { demandMarker, isContentDirectory } from './repo.ts';
import { VerificationCache } from './verification-cache.ts';
import { walkBase } from './walk.ts';
import type { RepoEntry } from './walk.ts';

/** A file that nobody needs. */
export interface PrunedFile {
  /** Relative to the root of the repo. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** What a pruning would do. */
export interface PrunePlan {
  readonly root: string;
  /** By path. */
  readonly remove: readonly PrunedFile[];
  readonly removeBytes: number;
  /** Archives that stay. */
  readonly keptFiles: number;
  /** The indexes that were in force; the plan holds only for as long as they are. */
  readonly indexes: readonly IndexInForce[];
}

/** What may not go. */
export interface Keep {
  readonly locks: readonly Lock[];
  /** Gives the paths that an index of the repo lists. Called for indexes that list only what the repo has; what the index of
   *  a site lists is not kept for that. */
  readonly pathsOf: (index: IndexInForce) => Promise<Iterable<string>>;
}

/** Finds what neither a lock nor an index of the repo needs: archives, and unfinished downloads of such. Looks only below the
 *  directories of archives (`x86_64`, `noarch`, `release`, ...), and never at indexes, links and our own directory. Deletes nothing.
 *  Throws `repo` for a directory without our marker and when nothing says what to keep, `io`, and what `pathsOf` throws. */
export async function planPrune(root: string, { locks, pathsOf }: Keep): Promise<PrunePlan> {
  const { bases } = demandMarker(root);
  const indexes = indexesInForce(root, bases);
  const complete = indexes.filter(({ isSubset }) => isSubset);
  if (locks.length + complete.length === 0) {
    throw new CygstrapError('repo', `nothing says what to keep in \`${root}\``, {
      hint:
        indexes.length === 0
          ? 'name a lock with `--keep`'
          : 'its index is that of a site, and lists everything; name a lock with `--keep`',
    });
  }
  const needed = new Set<string>();
  for (const lock of locks) for (const { path, source } of lock.packages) needed.add(path).add(source?.path ?? path);
  for (const index of complete) for (const path of await pathsOf(index)) needed.add(path);

  const remove: PrunedFile[] = [];
  let keptFiles = 0;
  for (const base of bases) {
    for (const entry of walkBase(root, base, base === '' ? bases : [])) {
      if (!isContentDirectory(entry.path.split('/')[0] ?? '') || entry.kind === 'index' || entry.kind === 'other')
        continue;
      if (isNeeded(entry, needed)) keptFiles++;
      else {
        const path = base === '' ? entry.path : `${base}/${entry.path}`;
        remove.push({ path, sizeBytes: statSync(`${root}/${path}`, { throwIfNoEntry: false })?.size ?? 0 });
      }
    }
  }
  remove.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { root, remove, removeBytes: remove.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), keptFiles, indexes };
}

/** Deletes what a plan says, and directories that are empty then; waits for the lock of the repo first. May be stopped at any
 *  moment: nothing that an index in force lists is touched, and the next pruning finishes. Throws `repo` when an index has
 *  changed since the plan was made, `io`, and the signal's reason. */
export async function applyPrune({ root, remove, indexes }: PrunePlan, options: LockOptions = {}): Promise<void> {
  const { bases } = demandMarker(root);
  const lock = await acquireLock(ownFile(root, LOCK_NAME), options);
  try {
    if (fingerprint(indexesInForce(root, bases)) !== fingerprint(indexes)) {
      throw new CygstrapError('repo', `the index of \`${root}\` has changed since it was looked at`, {
        hint: 'run the command again',
      });
    }
    const verified = VerificationCache.read(root);
    for (const { path } of remove) {
      options.signal?.throwIfAborted();
      removeFile(root, path);
      verified.delete(path);
    }
    verified.save();
  } finally {
    await lock.release();
  }
}

/** A part of a needed file is needed too: the next fetch goes on from it. */
function isNeeded({ path, kind }: RepoEntry, needed: ReadonlySet<string>): boolean {
  if (kind === 'file') return needed.has(path);
  if (path.endsWith(PART_CACHED_SUFFIX)) return false;
  const suffix = [PART_NOTE_SUFFIX, PART_SUFFIX].find((one) => path.endsWith(one));
  return suffix !== undefined && needed.has(path.slice(0, -suffix.length));
}

function removeFile(root: string, path: string): void {
  const location = `${root}/${path}`;
  try {
    rmSync(location, { force: true });
  } catch (error) {
    throw ioError(error, 'delete', location);
  }
  for (let directory = dirname(path); directory.includes('/'); directory = dirname(directory)) {
    try {
      rmdirSync(`${root}/${directory}`);
    } catch (error) {
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return;
      throw ioError(error, 'delete', directory);
    }
  }
}

function fingerprint(indexes: readonly IndexInForce[]): string {
  return JSON.stringify(indexes.map(({ path, sha512 }) => [path, sha512]));
}
