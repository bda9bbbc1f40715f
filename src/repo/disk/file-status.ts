/** The part of a file's status that changes when its bytes change. */
export interface FileStatus {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

/** Minimum age in milliseconds of a file's last change before it may be recorded as verified: within one tick of the
 *  clock of a file system (two seconds on FAT) a later change would have the same time. */
export const SETTLED_MS = 2_000;

/** Returns whether a file is old enough to be recorded as verified. */
export function isSettled({ mtimeNs }: FileStatus): boolean {
  return mtimeNs <= BigInt(Date.now() - SETTLED_MS) * 1_000_000n;
}
