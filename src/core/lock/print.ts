import type { Lock, LockedFile, LockedIndex, LockedPackage, LockRequest } from './lock.ts';
import { printableJson } from '../../printable.ts';
import { byteOrder } from '../version/byte-order.ts';

/** Returns a lock as the text of its file: JSON indented by two blanks, keys in a fixed order, packages sorted by
 *  name, lines end in LF, characters that could control a
 *  terminal escaped. Equal locks give equal texts, and each package has its own lines, for readable diffs. */
export function printLock({ schema, resolver, request, indexes, packages }: Lock): string {
  const lock = {
    schema,
    resolver,
    request: requestFields(request),
    indexes: indexes.map(indexFields),
    packages: [...packages].sort((a, b) => byteOrder(a.name, b.name)).map(packageFields),
  };
  return `${printableJson(lock)}\n`;
}

function requestFields({
  packages,
  categories,
  buildDepends,
  base,
  test,
  source,
  windows,
  arch,
}: LockRequest): LockRequest {
  return { packages, categories, buildDepends, base, test, source, windows, arch };
}

function indexFields({ release, arch, timestamp, sha512, signer }: LockedIndex): LockedIndex {
  return { release, arch, timestamp, sha512, signer };
}

function packageFields(pkg: LockedPackage) {
  const { name, version, index, source } = pkg;
  return {
    name,
    version,
    index,
    ...fileFields(pkg),
    ...(source === undefined ? {} : { source: { name: source.name, version: source.version, ...fileFields(source) } }),
  };
}

function fileFields({ path, size, sha512, md5 }: LockedFile): LockedFile {
  return { path, size, ...(sha512 === undefined ? {} : { sha512 }), ...(md5 === undefined ? {} : { md5 }) };
}
