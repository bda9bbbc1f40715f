import { byteOrder } from './byte-order.ts';
import { compareVersions } from './compare.ts';

export interface NamedVersion {
  readonly name: string;
  readonly version: string;
}

export interface VersionChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** `rebuild`: the versions are equal in order and differ as text. `replaced`: the same version with other content. */
  readonly direction: 'upgrade' | 'downgrade' | 'rebuild' | 'replaced';
}

/** The differences between two sets of packages; each list by name. */
export interface Difference {
  readonly added: readonly NamedVersion[];
  readonly removed: readonly NamedVersion[];
  readonly changed: readonly VersionChange[];
}

/** Compares two sets of packages by name; the last of several items with one name counts.
 *  @param isSameContent compares two items of the same name and version; by default they are the same */
export function differencesOf<T extends NamedVersion>(
  before: Iterable<T>,
  after: Iterable<T>,
  isSameContent: (before: T, after: T) => boolean = () => true,
): Difference {
  const old = byName(before);
  const fresh = byName(after);
  return {
    added: onlyIn(fresh, old),
    removed: onlyIn(old, fresh),
    changed: [...fresh.values()].flatMap((item) => changeOf(old.get(item.name), item, isSameContent)),
  };
}

function byName<T extends NamedVersion>(items: Iterable<T>): Map<string, T> {
  const sorted = [...items].sort((a, b) => byteOrder(a.name, b.name));
  return new Map(sorted.map((item) => [item.name, item]));
}

function onlyIn(here: ReadonlyMap<string, NamedVersion>, there: ReadonlyMap<string, NamedVersion>): NamedVersion[] {
  return [...here.values()].filter(({ name }) => !there.has(name)).map(({ name, version }) => ({ name, version }));
}

function changeOf<T extends NamedVersion>(
  before: T | undefined,
  after: T,
  isSameContent: (before: T, after: T) => boolean,
): VersionChange[] {
  if (before === undefined) return [];
  const { name, version: to } = after;
  const { version: from } = before;
  if (from === to) return isSameContent(before, after) ? [] : [{ name, from, to, direction: 'replaced' }];
  const order = compareVersions(from, to);
  return [{ name, from, to, direction: order < 0 ? 'upgrade' : order > 0 ? 'downgrade' : 'rebuild' }];
}
