import type { Lock, LockedFile, LockedPackage } from './lock.ts';
import { byteOrder } from '../version/byte-order.ts';

/** Every file of a lock, each path once, by path: archives and, where they are locked, sources (which packages may
 *  share). */
export function lockedFiles({ packages }: Pick<Lock, 'packages'>): LockedFile[] {
  const byPath = new Map<string, LockedFile>();
  for (const file of packages.flatMap(filesOf)) byPath.set(file.path, { ...contentOf(file), path: file.path });
  return [...byPath.values()].sort((a, b) => byteOrder(a.path, b.path));
}

/** Files of a lock that a repo made from another does not have: at another path or of another content, by path. */
export function newFiles(before: Pick<Lock, 'packages'>, after: Pick<Lock, 'packages'>): LockedFile[] {
  const present = new Map(lockedFiles(before).map((file) => [file.path, file]));
  return lockedFiles(after).filter((file) => {
    const known = present.get(file.path);
    return known === undefined || !isSameContent(known, file);
  });
}

/** A package's own file and its source, if that is locked. */
export function filesOf(pkg: LockedPackage): readonly LockedFile[] {
  return pkg.source === undefined ? [pkg] : [pkg, pkg.source];
}

/** Whether two files are promised the same bytes, as far as size and digest tell, wherever they lie. */
export function isSameContent(a: LockedFile, b: LockedFile): boolean {
  return a.size === b.size && a.sha512 === b.sha512 && a.md5 === b.md5;
}

function contentOf({ size, sha512, md5 }: LockedFile): Omit<LockedFile, 'path'> {
  return { size, ...(sha512 === undefined ? {} : { sha512 }), ...(md5 === undefined ? {} : { md5 }) };
}
