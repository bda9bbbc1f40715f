import { compareVersions } from '../version/compare.ts';
import { isSameContent, lockedFiles, newFiles } from './files.ts';
import type { Lock, LockedPackage } from './lock.ts';
import { byteOrder } from './order.ts';

export interface LockedChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** `rebuild`: equal by order and not by text. `replaced`: the same version with other bytes, or at another path. */
  readonly direction: 'upgrade' | 'downgrade' | 'rebuild' | 'replaced';
}

/** What differs between two locks; each list by name. */
export interface LockDifference {
  readonly added: readonly { readonly name: string; readonly version: string }[];
  readonly removed: readonly { readonly name: string; readonly version: string }[];
  readonly changed: readonly LockedChange[];
  /** Of the files that the new lock has and the old has not, sources among them. */
  readonly downloadBytes: number;
  /** Of the files that only the old lock needs. */
  readonly obsoleteBytes: number;
}

/** Compares two locks, by package and by the files they need. */
export function diffLocks(before: Lock, after: Lock): LockDifference {
  const old = new Map(before.packages.map((pkg) => [pkg.name, pkg]));
  const fresh = new Map(after.packages.map((pkg) => [pkg.name, pkg]));
  return {
    added: only(fresh, old),
    removed: only(old, fresh),
    changed: [...fresh.values()]
      .flatMap((pkg) => changeOf(old.get(pkg.name), pkg))
      .sort((a, b) => byteOrder(a.name, b.name)),
    downloadBytes: sum(newFiles(before, after)),
    obsoleteBytes: sum(newFiles(after, before)),
  };
}

/** Whether two locks need the same packages and the same files. */
export function isSameAnswer({ added, removed, changed, downloadBytes, obsoleteBytes }: LockDifference): boolean {
  return added.length + removed.length + changed.length + downloadBytes + obsoleteBytes === 0;
}

function only(
  here: ReadonlyMap<string, LockedPackage>,
  there: ReadonlyMap<string, LockedPackage>,
): { name: string; version: string }[] {
  return [...here.values()]
    .filter(({ name }) => !there.has(name))
    .map(({ name, version }) => ({ name, version }))
    .sort((a, b) => byteOrder(a.name, b.name));
}

function changeOf(before: LockedPackage | undefined, after: LockedPackage): LockedChange[] {
  if (before === undefined) return [];
  const { name, version: to } = after;
  const { version: from } = before;
  if (from !== to) {
    const order = compareVersions(from, to);
    return [{ name, from, to, direction: order < 0 ? 'upgrade' : order > 0 ? 'downgrade' : 'rebuild' }];
  }
  return before.path === after.path && isSameContent(before, after) ? [] : [{ name, from, to, direction: 'replaced' }];
}

function sum(files: ReturnType<typeof lockedFiles>): number {
  return files.reduce((total, { size }) => total + size, 0);
}
