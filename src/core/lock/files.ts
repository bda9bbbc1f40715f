import type { Lock, LockedFile, LockedPackage, LockedSource } from './lock.ts';
import { byteOrder } from '../version/byte-order.ts';

/** Returns every file of a lock, each path once, sorted: archives and locked sources (which packages can share). */
export function lockedFiles({ packages }: Pick<Lock, 'packages'>): LockedFile[] {
  const byPath = new Map<string, LockedFile>();
  for (const file of packages.flatMap(filesOf)) byPath.set(file.path, { ...contentOf(file), path: file.path });
  return [...byPath.values()].sort((a, b) => byteOrder(a.path, b.path));
}

/** Returns the files of a lock that another lock does not have, or has with other content, sorted by path. */
export function newFiles(before: Pick<Lock, 'packages'>, after: Pick<Lock, 'packages'>): LockedFile[] {
  const present = new Map(lockedFiles(before).map((file) => [file.path, file]));
  return lockedFiles(after).filter((file) => {
    const known = present.get(file.path);
    return known === undefined || !isSameContent(known, file);
  });
}

/** Returns the archive of a package and its source, if locked. */
export function filesOf(pkg: LockedPackage): readonly (LockedPackage | LockedSource)[] {
  return pkg.source === undefined ? [pkg] : [pkg, pkg.source];
}

/** Returns whether two files have the same content according to size and digest, at any path. */
export function isSameContent(a: LockedFile, b: LockedFile): boolean {
  return a.size === b.size && a.sha512 === b.sha512 && a.md5 === b.md5;
}

function contentOf({ size, sha512, md5 }: LockedFile): Omit<LockedFile, 'path'> {
  return { size, ...(sha512 === undefined ? {} : { sha512 }), ...(md5 === undefined ? {} : { md5 }) };
}
