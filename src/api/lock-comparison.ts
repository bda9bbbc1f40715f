import { LockComparison } from '../core/lock/comparison.ts';
import type { Lock } from '../core/lock/lock.ts';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { countText } from '../report/text.ts';
import { indexesInForce } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import { filesOf } from '../core/lock/files.ts';
import { readIndex } from './load-catalog.ts';
import type { ReadingContext } from './context.ts';

/** A lock and the name of its file for messages. */
export interface NamedLock {
  readonly file: string;
  readonly lock: Lock;
}

/** Compares a lock with the indexes of a repo, if it has any. Throws `lock` as {@link requireAgreement}, `repo`, `io`,
 *  and as `readIndex`. */
export async function compareWithRepo(named: NamedLock, root: string, context: ReadingContext): Promise<void> {
  for (const { location, path } of indexesInForce(root, inspectRepo(root).bases)) {
    const comparison = new LockComparison(named.lock);
    await readIndex(location, context, (records) => comparison.add(records));
    requireAgreement(named.file, comparison, path);
  }
}

/** Throws `lock` with every contradiction if a lock lists a file as another package or version than the index, or
 *  without the digest that the index has. */
export function requireAgreement(file: string, comparison: LockComparison, index: string): void {
  const contradictions = comparison.contradictions();
  if (contradictions.length === 0) return;
  throw new CygstrapError(
    'lock',
    `\`${file}\` contradicts the index \`${index}\`:${contradictions.map((one) => `\n  - ${one}`).join('')}`,
    {
      hint: 'the lock was edited: restore it from version control, or make it again with `cygstrap lock`',
      details: { file, index, contradictions },
    },
  );
}

/** Reports a warning if a lock has files without a digest. Returns their number. */
export function warnOfUndigested({ file, lock }: NamedLock, report: Report): number {
  const files = lock.packages.flatMap(filesOf);
  const undigested = files.filter(({ sha512, md5 }) => sha512 === undefined && md5 === undefined).length;
  if (undigested > 0)
    report({
      kind: 'warning',
      message:
        `\`${file}\` has no digest for ${undigested} of ${countText(files.length, 'file')}: ` +
        'only their sizes are compared',
    });
  return undigested;
}
