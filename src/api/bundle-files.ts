import type { Report } from '../events.ts';
import { LockComparison } from '../core/lock/comparison.ts';
import { distinctFiles } from '../repo/files/path-conflicts.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { fileOfArchive } from '../repo/files/archive-file.ts';
import type { UncheckedFile } from '../repo/files/archive-file.ts';
import { parseRepoFiles } from '../repo/files/path.ts';
import type { Archive } from '../core/setup-ini/records.ts';
import { readIndex } from './load-catalog.ts';
import { requireAgreement } from './lock-comparison.ts';
import type { NamedLock } from './lock-comparison.ts';
import { filesOfLock, uncheckedFilesOfLock } from './repo-files.ts';
import { archivesIn, isSubsetIndex, unlistedPackages } from './setup-command.ts';

/** Returns the files that a repo with this lock and index must have, each once: those of the lock, and those of an
 *  index that lists only what its repo has. Warns of locked packages that the index does not list. Throws as
 *  `readIndex`, `lock` for a lock that contradicts the index, and `repo` for invalid paths. */
export async function filesNeeded(
  { file, lock }: NamedLock,
  index: { readonly name: string; readonly bytes: Uint8Array } | undefined,
  report: Report,
): Promise<RepoFile[]> {
  if (index === undefined) return distinctFiles(filesOfLock(lock));
  const listed: Archive[] = [];
  const comparison = new LockComparison(lock);
  await readIndex(index, { lenient: true, cacheDirectory: null }, (records) => {
    comparison.add(records);
    listed.push(...archivesIn(records));
  });
  requireAgreement(file, comparison, index.name);
  const unlisted = unlistedPackages(lock, listed);
  if (unlisted.length > 0)
    report({
      kind: 'warning',
      message: `the index does not list ${unlisted.join(', ')} of the lock: setup will not see them`,
    });
  const isSubset = isSubsetIndex(index.bytes);
  const locked: readonly UncheckedFile[] = uncheckedFilesOfLock(lock);
  return distinctFiles(parseRepoFiles(isSubset ? [...locked, ...listed.map(fileOfArchive)] : locked));
}
