import { lstatSync } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import type { Lock } from '../core/lock/lock.ts';
import { pathComparison } from '../io/caseless.ts';
import { removeFile } from './disk/remove-file.ts';
import { indexesInForce } from './index-files.ts';
import type { IndexInForce } from './index-files.ts';
import { PART_CACHED_SUFFIX, PART_NOTE_SUFFIX, PART_SUFFIX } from './files/layout.ts';
import { isInArchiveDirectory } from '../core/setup-ini/paths.ts';
import { isArchiveDirectory, placedFilesOf, withoutOwnSuffix } from './claim.ts';
import { requireMarker, isContentDirectory } from './repo.ts';
import { lockRepo } from './repo-lock.ts';
import type { LockRepoOptions } from './repo-lock.ts';
import { VerificationCache } from './verification-cache.ts';
import { walkBase } from './walk.ts';
import type { RepoEntry } from './walk.ts';

/** A file that is not needed. */
export interface PrunedFile {
  /** Relative to the root of the repo. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** The files that a pruning deletes. */
export interface PrunePlan {
  readonly root: string;
  /** By path. */
  readonly remove: readonly PrunedFile[];
  readonly removeBytes: number;
  /** Number of archives that stay. */
  readonly keptFiles: number;
  /** Files in the directories of archives that nothing lists and that cygstrap did not put there, relative to the root;
   *  they stay. */
  readonly foreign: readonly string[];
  /** Symbolic links among the archives, relative to the root; they stay and are not followed. */
  readonly links: readonly string[];
  /** The indexes in force; the plan is valid only while they do not change. */
  readonly indexes: readonly IndexInForce[];
}

/** What stays. */
export interface Keep {
  readonly locks: readonly Lock[];
  /** Returns the paths that an index lists. Called for indexes that list only what the repo has; files that only the
   *  index of a site lists are not kept. */
  readonly pathsOf: (index: IndexInForce) => Promise<Iterable<string>>;
  /** For tests: whether the disk ignores the case of names. By default it is found out. */
  readonly ignoresCase?: boolean;
}

/** Finds the archives and unfinished downloads that no lock and no index of the repo lists. Only files that cygstrap
 *  placed are deleted, below `release/` or `ARCH/release/`, and no indexes and links. Deletes nothing. Throws
 *  `repo` for a directory without the marker of cygstrap and if there is neither a lock nor an index that lists what to
 *  keep, `io`, and errors of `pathsOf`. */
export async function planPrune(root: string, { locks, pathsOf, ignoresCase }: Keep): Promise<PrunePlan> {
  const { bases } = requireMarker(root);
  const indexes = indexesInForce(root, bases);
  const complete = indexes.filter(({ isSubset }) => isSubset);
  if (locks.length + complete.length === 0) {
    throw new CygstrapError('repo', `\`${root}\` has no list of the files to keep`, {
      hint:
        indexes.length === 0
          ? 'name a lock with `--lock`'
          : 'its index is that of a site, which lists all files; name a lock with `--lock`',
    });
  }
  const keyOf = pathComparison(root, ignoresCase);
  const needed = new Set<string>();
  for (const lock of locks)
    for (const { path, source } of lock.packages) needed.add(keyOf(path)).add(keyOf(source?.path ?? path));
  for (const index of complete) for (const path of await pathsOf(index)) needed.add(keyOf(path));

  const placed = placedFilesOf(root, keyOf);
  const remove: PrunedFile[] = [];
  const foreign: string[] = [];
  const links: string[] = [];
  let keptFiles = 0;
  for (const base of bases) {
    const entries = walkBase(root, base, (name) => !isArchiveDirectory(name));
    const paths = new Set(entries.map((entry) => entry.path));
    for (const entry of entries) {
      const path = base === '' ? entry.path : `${base}/${entry.path}`;
      if (entry.kind === 'link') links.push(path);
      if (entry.kind !== 'file' && entry.kind !== 'leftover') continue;
      const target = entry.kind === 'leftover' ? withoutOwnSuffix(path) : path;
      if (isNeeded({ ...entry, path: keyOf(entry.path) }, needed) && !isLoneNote(entry, paths)) keptFiles++;
      else if (isInArchiveDirectory(entry.path) && placed.has(target))
        remove.push({ path, sizeBytes: lstatSync(`${root}/${path}`, { throwIfNoEntry: false })?.size ?? 0 });
      else if (isContentDirectory(entry.path.split('/')[0] ?? '') || isInArchiveDirectory(entry.path))
        foreign.push(path);
    }
  }
  remove.sort((a, b) => (a.path < b.path ? -1 : 1));
  const removeBytes = remove.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { root, remove, removeBytes, keptFiles, foreign, links, indexes };
}

/** Deletes the files of a plan, and directories that become empty; waits for the lock of the repo first. If it is
 *  stopped, the next pruning completes it: no file that an index in force lists is deleted. Throws `repo` if an index
 *  has changed since the plan was made, `io`, and the reason of the signal. */
export async function applyPrune({ root, remove, indexes }: PrunePlan, options: LockRepoOptions = {}): Promise<void> {
  const { bases } = requireMarker(root);
  const lock = await lockRepo(root, options);
  try {
    if (fingerprint(indexesInForce(root, bases)) !== fingerprint(indexes)) {
      throw new CygstrapError('repo', `the index of \`${root}\` has changed since the plan was made`, {
        hint: 'run the command again',
      });
    }
    const verified = VerificationCache.read(root);
    const placed = placedFilesOf(root, pathComparison(root));
    for (const { path } of remove) {
      options.signal?.throwIfAborted();
      removeFile(root, path);
      verified.delete(path);
    }
    await verified.save();
    await placed.remove(remove.map(({ path }) => path));
  } finally {
    await lock.release();
  }
}

/** A part of a needed file is needed, too: the next fetch continues it. */
function isNeeded({ path, kind }: RepoEntry, needed: ReadonlySet<string>): boolean {
  if (kind === 'file') return needed.has(path);
  if (path.endsWith(PART_CACHED_SUFFIX)) return false;
  const suffix = [PART_NOTE_SUFFIX, PART_SUFFIX].find((one) => path.endsWith(one));
  return suffix !== undefined && needed.has(path.slice(0, -suffix.length));
}

/** A process that is killed at the end of a download leaves the note of a part that it has renamed. */
function isLoneNote({ path, kind }: RepoEntry, paths: ReadonlySet<string>): boolean {
  if (kind !== 'leftover' || !path.endsWith(PART_NOTE_SUFFIX)) return false;
  return !paths.has(`${path.slice(0, -PART_NOTE_SUFFIX.length)}${PART_SUFFIX}`);
}

function fingerprint(indexes: readonly IndexInForce[]): string {
  return JSON.stringify(indexes.map(({ path, sha512 }) => [path, sha512]));
}
