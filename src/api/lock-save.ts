import { diffLocks } from '../core/lock/diff.ts';
import type { LockDifference } from '../core/lock/diff.ts';
import { lockedFiles } from '../core/lock/files.ts';
import type { Lock, LockedIndex, LockRequest } from '../core/lock/lock.ts';
import { writeLock } from './lock-file.ts';

export interface LockSaveResult {
  /** The lock file. */
  readonly lock: string;
  /** False: the file has this lock already. */
  readonly written: boolean;
  readonly request: LockRequest;
  readonly indexes: readonly LockedIndex[];
  readonly packages: number;
  readonly files: number;
  /** Of all files, in bytes. */
  readonly size: number;
  /** What differs from the lock before; null without one. */
  readonly difference: LockDifference | null;
}

/** Writes a lock to a file and compares it with the one before. Throws `io`. */
export async function saveLock(file: string, lock: Lock, before?: Lock): Promise<LockSaveResult> {
  const written = await writeLock(file, lock);
  const files = lockedFiles(lock);
  return {
    lock: file,
    written,
    request: lock.request,
    indexes: lock.indexes,
    packages: lock.packages.length,
    files: files.length,
    size: files.reduce((sum, each) => sum + each.size, 0),
    difference: before === undefined ? null : diffLocks(before, lock),
  };
}
