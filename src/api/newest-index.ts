import { resolve } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import { joinNewest, newestIndexes } from '../core/lock/newest.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import { readNewestIndexes } from '../repo/newest-index.ts';

/** Returns the newest indexes that a lock and a repo know of. A lock does not record sites, so it does not know of
 *  unsigned indexes. Throws `io`, and `repo` for a damaged record of the repo. */
export async function newestKnown(lock: Lock | undefined, repo: string | undefined): Promise<readonly NewestIndex[]> {
  const ofRepo = repo === undefined ? [] : await readNewestIndexes(resolve(repo));
  return joinNewest(newestIndexes(lock?.indexes ?? []), ofRepo);
}
