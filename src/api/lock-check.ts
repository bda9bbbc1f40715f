import { lockRequestOf } from '../core/lock/make.ts';
import type { OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { warnOfUndigested } from './lock-comparison.ts';
import { readLock, requireAnswer } from './lock-file.ts';
import { requestIfAny } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';

/** The request that the lock must match; without any of its fields the lock must only be well formed. */
export interface LockCheckRequest extends RequestFields {
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** Architecture; by default that of the lock. */
  readonly arch?: string | undefined;
}

export interface LockCheckResult {
  readonly lock: string;
  /** Whether the lock was compared with a request. */
  readonly compared: boolean;
  readonly packages: number;
  /** Number of files without a digest. */
  readonly undigested: number;
}

/** Checks that a lock is well formed and matches a request; reads no index. Throws `not-found`, `io`, and `lock` with
 *  the differences. */
export async function checkLock(
  { lock: file = DEFAULTS.lock, arch, ...fields }: LockCheckRequest = {},
  { report = () => {} }: OperationContext = {},
): Promise<LockCheckResult> {
  const lock = await readLock(file);
  const request = requestIfAny(fields);
  if (request !== undefined) requireAnswer(lock, lockRequestOf(request, arch ?? lock.request.arch), file);
  const undigested = warnOfUndigested({ file, lock }, report);
  return { lock: file, compared: request !== undefined, packages: lock.packages.length, undigested };
}
