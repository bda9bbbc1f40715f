import { diffLocks } from '../core/lock/diff.ts';
import type { LockDifference } from '../core/lock/diff.ts';
import { lockedFiles } from '../core/lock/files.ts';
import type { Lock } from '../core/lock/lock.ts';
import { writeLock } from './lock-file.ts';

export interface LockSaveResult {
  /** False: the file has this lock already. */
  readonly isWritten: boolean;
  readonly files: number;
  readonly sizeBytes: number;
  /** What differs from the lock before; undefined without one. */
  readonly difference: LockDifference | undefined;
}

/** Writes a lock to a file and compares it with the one before. Throws `io`. */
export async function saveLock(file: string, lock: Lock, before: Lock | undefined): Promise<LockSaveResult> {
  const isWritten = await writeLock(file, lock);
  const files = lockedFiles(lock);
  return {
    isWritten,
    files: files.length,
    sizeBytes: files.reduce((sum, { size }) => sum + size, 0),
    difference: before === undefined ? undefined : diffLocks(before, lock),
  };
}
