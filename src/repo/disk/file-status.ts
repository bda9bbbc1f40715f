import { lstatSync } from 'node:fs';

/** The part of a file's status that changes when its bytes change. A program can set the time of the content back, as
 *  `touch -r` does, but not the time of the status, which also changes with the number of hard links. */
export interface FileStatus {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
}

/** Minimum age in milliseconds of a file's last change before it may be recorded as verified: within one tick of the
 *  clock of a file system (two seconds on FAT) a later change would have the same time. */
export const SETTLED_MS = 2_000;

/** Returns whether a file that was read is old enough to be recorded as verified. A time in the future is not: a clock
 *  that was set back reaches it again. */
export function isSettled({ mtimeNs, ctimeNs }: FileStatus): boolean {
  return isPast(mtimeNs) && isPast(ctimeNs);
}

/** The same for a file that this process has written: the time of its status is that of its rename. */
export function isOwnSettled({ mtimeNs }: FileStatus): boolean {
  return isPast(mtimeNs);
}

function isPast(timeNs: bigint): boolean {
  return timeNs <= BigInt(Date.now() - SETTLED_MS) * 1_000_000n;
}

/** Returns whether two statuses are equal. */
export function isSameStatus(a: FileStatus, b: FileStatus): boolean {
  return isSameContentStatus(a, b) && a.ctimeNs === b.ctimeNs && a.nlink === b.nlink;
}

/** Returns the status of a file that was renamed or linked since `before`; undefined if its content may have changed.
 *  Throws errors of the system. */
export function statusSince(before: FileStatus, location: string): FileStatus | undefined {
  const { size, mtimeNs, ctimeNs, ino, nlink } = lstatSync(location, { bigint: true });
  const now = { size, mtimeNs, ctimeNs, ino, nlink };
  return isSameContentStatus(before, now) ? now : undefined;
}

function isSameContentStatus(a: FileStatus, b: FileStatus): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;
}
