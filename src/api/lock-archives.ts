import type { Lock } from '../core/lock/lock.ts';
import { CygstrapError } from '../errors.ts';
import { auditRepo, isDamage } from '../repo/audit.ts';
import { distinctFiles } from '../repo/files/path-conflicts.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import { filesOfLock } from './repo-files.ts';

/** Reads and verifies every archive of a lock in a repo; does not use the verification cache. Throws `verify` for
 *  archives that are damaged or missing, or without a digest in the lock. */
export async function verifiedArchives(
  root: string,
  lock: Lock,
  signal: AbortSignal | undefined,
): Promise<VerifiedFile[]> {
  const files = distinctFiles(filesOfLock(lock));
  const undigested = files.find(({ digest }) => digest === undefined);
  if (undigested !== undefined) {
    throw new CygstrapError('verify', `cannot verify \`${undigested.path}\`: the lock has no digest of it`, {
      hint: 'lock the packages again from an index with digests',
      details: { path: undigested.path },
    });
  }
  const { findings, verified } = await auditRepo(root, [{ files, isComplete: true }], { signal });
  const damage = findings.filter(isDamage);
  const [first] = damage;
  if (first !== undefined) {
    const more = damage.length === 1 ? '' : ` (and ${damage.length - 1} more)`;
    throw new CygstrapError(
      'verify',
      `\`${root}\` does not have what the lock lists: \`${first.path}\`: ${first.kind}${more}`,
      {
        hint: 'fetch it with `cygstrap fetch --frozen`, or repair it with `cygstrap verify --repair`',
        details: { findings: damage.map(({ kind, path }) => ({ kind, path })) },
      },
    );
  }
  // A download directory of setup can have a file once per site.
  return [...new Map(verified.map((file) => [file.path, file])).values()];
}
