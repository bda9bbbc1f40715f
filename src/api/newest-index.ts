import { resolve } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import { joinNewest, newerThan, newestIndexes } from '../core/lock/newest.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import { readNewestIndexes } from '../repo/newest-index.ts';
import { timeText } from '../site/index-head.ts';

/** Returns the newest indexes that a lock and a repo know of. A lock does not record sites, so it does not know of
 *  unsigned indexes. Throws `io`, and `repo` for a damaged record of the repo. */
export async function newestKnown(lock: Lock | undefined, repo: string | undefined): Promise<readonly NewestIndex[]> {
  const ofRepo = repo === undefined ? [] : await readNewestIndexes(resolve(repo));
  return joinNewest(newestIndexes(lock?.indexes ?? []), ofRepo);
}

/** Returns a warning for each index of a lock that is older than the newest one that was published in a repo. Throws as
 *  {@link newestKnown}. */
export async function olderIndexWarnings({ indexes }: Lock, repo: string): Promise<string[]> {
  const known = await newestKnown(undefined, repo);
  return indexes.flatMap((one, place) => {
    const newer = newerThan(
      one,
      known.filter(({ index }) => index === place),
    );
    if (newer === undefined || one.timestamp === null) return [];
    return [
      `the index is from ${timeText(one.timestamp)}, and \`${repo}\` had one of the same signer from ` +
        `${timeText(newer)}: it lacks later packages and fixes`,
    ];
  });
}
