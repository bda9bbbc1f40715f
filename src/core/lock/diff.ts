import { differencesOf } from '../version/differences.ts';
import type { Difference } from '../version/differences.ts';
import { isSameContent, newFiles } from './files.ts';
import type { Lock, LockedFile, LockedPackage } from './lock.ts';

export interface LockDifference extends Difference {
  /** Size of the files that only the new lock has, sources included. */
  readonly downloadBytes: number;
  /** Size of the files that only the old lock has. */
  readonly obsoleteBytes: number;
}

/** Compares two locks, by package and by file. */
export function diffLocks(before: Lock, after: Lock): LockDifference {
  return {
    ...differencesOf(before.packages, after.packages, isSameFile),
    downloadBytes: sizeOf(newFiles(before, after)),
    obsoleteBytes: sizeOf(newFiles(after, before)),
  };
}

/** Returns whether a difference is empty: the locks have the same packages and the same files. */
export function isSameAnswer({ added, removed, changed, downloadBytes, obsoleteBytes }: LockDifference): boolean {
  return added.length + removed.length + changed.length + downloadBytes + obsoleteBytes === 0;
}

function isSameFile(before: LockedPackage, after: LockedPackage): boolean {
  return before.path === after.path && isSameContent(before, after);
}

function sizeOf(files: readonly LockedFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
