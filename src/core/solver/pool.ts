import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { compareVersions } from '../version/compare.ts';
import { versionMeets } from '../version/criteria.ts';
import { Candidates, FIRST, NO_DEPENDENCIES, isProvided, type Needs, type Solvable } from './candidates.ts';

/** A package that is there already. */
export interface Present {
  readonly name: string;
  readonly version: string;
}

/** Something installed already, setup's two inventions included: `base` 0.0-0, which requires every package of category
 *  Base, and `_windows`, whose version is that of the system. Source: cygwin-setup package_db.cc `makeBase`,
 *  `makeWindows`. */
interface Resident {
  readonly name: string;
  readonly version: string;
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
}

/** What the solver chooses among, numbered in the order in which libsolv would number it: versions in the order read,
 *  then the residents. */
export class Pool {
  readonly catalog: Catalog;
  readonly firstInstalled: Solvable;
  /** One past the last number. */
  readonly end: Solvable;
  readonly #candidates: Candidates;
  readonly #residents: readonly Resident[];
  /** What residents bear or provide. */
  readonly #residentNames: ReadonlySet<string>;
  readonly #testPriority: number;
  /** Of names and dependencies that a resident may meet. */
  readonly #byName = new Map<string, readonly Solvable[]>();
  readonly #byDependency = new Map<Dependency, readonly Solvable[]>();
  /** By the number of a list: what meets it here. */
  readonly #needs: (Needs | undefined)[] = [];

  constructor(
    catalog: Catalog,
    options: { base: readonly string[] | undefined; windows: string; test: boolean; installed: readonly Present[] },
  ) {
    this.catalog = catalog;
    this.#candidates = Candidates.of(catalog);
    this.firstInstalled = FIRST + catalog.rankEnd;
    const residents: Resident[] = [];
    if (options.base !== undefined) {
      residents.push({ ...bare('base', '0.0-0'), depends: this.#candidates.requirementsOf(options.base) });
    }
    residents.push(bare('_windows', options.windows));
    for (const { name, version } of options.installed) {
      const known = catalog.find(name, version)?.record;
      residents.push(known === undefined ? bare(name, version) : { ...known, name });
    }
    this.#residents = residents;
    this.#residentNames = new Set(
      residents.flatMap(({ name, provides }) => [name, ...provides.map((each) => each.name)]),
    );
    this.#testPriority = options.test ? 1 : 0;
    this.end = this.firstInstalled + residents.length;
    this.#needs.length = this.end;
  }

  isInstalled(s: Solvable): boolean {
    return s >= this.firstInstalled;
  }

  /** The catalog's version behind a number; undefined for what is installed. */
  catalogVersion(s: Solvable): CatalogVersion | undefined {
    return this.#candidates.version(s);
  }

  /** Number of a version of the catalog. */
  solvable(version: CatalogVersion): Solvable {
    return this.#candidates.solvable(version);
  }

  #resident(s: Solvable): Resident | undefined {
    return this.#residents[s - this.firstInstalled];
  }

  name(s: Solvable): string {
    return (this.catalogVersion(s) ?? this.#resident(s))?.name ?? '';
  }

  version(s: Solvable): string {
    return this.catalogVersion(s)?.version ?? this.#resident(s)?.version ?? '';
  }

  /** Versions of a `[test]` section have a lower priority unless they were asked for. */
  priority(s: Solvable): number {
    return this.catalogVersion(s)?.stability === 'test' ? this.#testPriority : 1;
  }

  requires(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.depends ?? this.#resident(s)?.depends ?? NO_DEPENDENCIES;
  }

  obsoletes(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.obsoletes ?? this.#resident(s)?.obsoletes ?? NO_DEPENDENCIES;
  }

  provides(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.provides ?? this.#resident(s)?.provides ?? NO_DEPENDENCIES;
  }

  conflicts(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.conflicts ?? this.#resident(s)?.conflicts ?? NO_DEPENDENCIES;
  }

  compareVersions(a: Solvable, b: Solvable): number {
    return compareVersions(this.version(a), this.version(b));
  }

  /** What bears or provides a name, in any version, ascending. */
  providersOfName(name: string): readonly Solvable[] {
    if (!this.#residentNames.has(name)) return this.#candidates.providersOfName(name);
    return found(this.#byName, name, () => [
      ...this.#candidates.providersOfName(name),
      ...this.#residentsThat({ name }),
    ]);
  }

  /** What bears the name of a solvable or provides it, ascending. */
  namesakes(s: Solvable): readonly Solvable[] {
    const list = this.isInstalled(s) ? undefined : this.#candidates.namesakes(s);
    return list === undefined || this.#residentNames.has(this.name(s)) ? this.providersOfName(this.name(s)) : list;
  }

  /** What meets a dependency, ascending. */
  providers(dependency: Dependency): readonly Solvable[] {
    if (!this.#residentNames.has(dependency.name)) return this.#candidates.providers(dependency);
    return found(this.#byDependency, dependency, () => [
      ...this.#candidates.providers(dependency),
      ...this.#residentsThat(dependency),
    ]);
  }

  #residentsThat(provide: Dependency): Solvable[] {
    return this.installed().filter((s) => isProvided(this.#resident(s), provide));
  }

  /** What meets each requirement of a solvable. */
  needs(s: Solvable): Needs {
    const needs = this.isInstalled(s) ? this.#candidates.needsOf(this.requires(s)) : this.#candidates.needs(s);
    return (this.#needs[needs.number] ??= this.#withResidents(needs));
  }

  #withResidents(needs: Needs): Needs {
    const { number, list } = needs;
    if (!list.some(({ name }) => this.#residentNames.has(name))) return needs;
    return { number, list, met: list.map((dependency) => this.providers(dependency)) };
  }

  /** Those among the providers of an `obsoletes:` entry that bear its name: obsoleting goes by name, not by provides.
   */
  obsoletedBy(dependency: Dependency): readonly Solvable[] {
    return this.providers(dependency).filter((s) => this.bears(s, dependency));
  }

  /** Whether a solvable's own name and version match a dependency. */
  bears(s: Solvable, { name, op, version }: Dependency): boolean {
    if (this.name(s) !== name) return false;
    return op === undefined || version === undefined || versionMeets(this.version(s), { op, version });
  }

  /** Everything installed, ascending. */
  installed(): Solvable[] {
    return this.#residents.map((_, i) => this.firstInstalled + i);
  }
}

function bare(name: string, version: string): Resident {
  return {
    name,
    version,
    depends: NO_DEPENDENCIES,
    obsoletes: NO_DEPENDENCIES,
    provides: NO_DEPENDENCIES,
    conflicts: NO_DEPENDENCIES,
  };
}

/** What a map has for a key, made and put in when it has nothing. */
function found<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
