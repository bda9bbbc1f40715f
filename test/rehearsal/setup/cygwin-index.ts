import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One version of a package in `setup.ini`. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly isBase: boolean;
  readonly depends: readonly string[];
  /** Path of the archive, size in bytes, SHA-512. */
  readonly archive: readonly [string, string, string];
}

/** Reads the first version of each package of an index. */
export function parseIndex(text: string): ReadonlyMap<string, IndexedPackage> {
  const packages = text
    .split(/^@ /m)
    .slice(1)
    .map((block): IndexedPackage => {
      const [current = ''] = block.split(/^\[/m);
      const value = (key: string): string => new RegExp(`^${key}: (.*)`, 'm').exec(current)?.[1] ?? '';
      const [path = '', size = '', digest = ''] = value('install').split(' ');
      const names = (value('depends2') || value('requires')).split(/[\s,]+/);
      return {
        name: /^\S+/.exec(block)?.[0] ?? '',
        version: value('version'),
        isBase: value('category').split(' ').includes('Base'),
        depends: names.filter((each) => /^[a-z_]/i.test(each)),
        archive: [path, size, digest],
      };
    });
  return new Map(packages.map((each) => [each.name, each]));
}

/** Returns named packages, those of Base, and all that they depend on; those that are needed come first. */
export function planOf(
  packages: ReadonlyMap<string, IndexedPackage>,
  names: readonly string[],
): readonly IndexedPackage[] {
  const plan = new Map<string, IndexedPackage>();
  const visiting = new Set<string>();
  const visit = (name: string): void => {
    const each = packages.get(name);
    if (each === undefined || visiting.has(name)) return;
    visiting.add(name);
    each.depends.forEach(visit);
    plan.set(name, each);
  };
  for (const { name, isBase } of packages.values()) if (isBase) visit(name);
  names.forEach(visit);
  return [...plan.values()];
}

/** Reads an archive. Returns why it is not that of the index, or undefined. */
export function faultOf(directory: string, { archive: [path, size, digest] }: IndexedPackage): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(directory, path));
  } catch {
    return `Can't open ${path}: No such file`;
  }
  if (String(bytes.length) !== size) return `Size mismatch: Ini-file: ${size} != On-disk: ${bytes.length}`;
  const found = createHash('sha512').update(bytes).digest('hex');
  return found === digest ? undefined : `SHA512 mismatch: Ini-file: ${digest} != On-disk: ${found}`;
}
