import type { Report } from '../events.ts';
import { lockRequestOf } from '../core/lock/make.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';
import { warnOfUndigested } from './lock-comparison.ts';
import { readLock, requireAnswer } from './lock-file.ts';

export interface LockCheckRequest {
  /** The lock file. */
  readonly lock: string;
  /** The request that the lock must match; without one the lock must only be well formed. */
  readonly request?: Partial<ResolveRequest> | undefined;
  /** By default that of the lock. */
  readonly arch?: string | undefined;
}

export interface LockCheckResult {
  readonly lock: string;
  /** Whether the lock was compared with a request. */
  readonly isCompared: boolean;
  readonly packages: number;
  /** Number of files without a digest. */
  readonly undigested: number;
}

/** Checks that a lock is well formed and matches a request; reads no index. Throws `not-found`, `io`, and `lock` with
 *  the differences. */
export async function checkLock(
  { lock: file, request, arch }: LockCheckRequest,
  { report = () => {} }: { readonly report?: Report } = {},
): Promise<LockCheckResult> {
  const lock = await readLock(file);
  if (request !== undefined) {
    const complete = { ...EMPTY_REQUEST, ...request };
    requireAnswer(lock, lockRequestOf(complete, arch ?? lock.request.arch), file);
  }
  const undigested = warnOfUndigested({ file, lock }, report);
  return { lock: file, isCompared: request !== undefined, packages: lock.packages.length, undigested };
}
