import type { Catalog, CatalogVersion } from '../catalog/catalog.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { compareVersions } from '../version/compare.ts';
import { criteriaMeet, versionMeets } from '../version/criteria.ts';

/** Number of a thing that can be installed, from {@link FIRST}; a literal of a rule is such a number or its negative. */
export type Solvable = number;

/** Always there; a rule that needs its absence cannot be met. */
export const SYSTEM: Solvable = 1;
const FIRST = 2;

const NONE: readonly Solvable[] = [];

/** What meets each requirement of a list of dependencies. */
export interface Needs {
  /** Number of the list in its pool, from 0. */
  readonly number: number;
  /** For each requirement what meets it, ascending. */
  readonly met: readonly (readonly Solvable[])[];
}
const NO_DEPENDENCIES: readonly Dependency[] = [];

/** A package that is there already. */
export interface Present {
  readonly name: string;
  readonly version: string;
}

/** Something installed already, setup's two inventions included: `base` 0.0-0, which requires every package of category
 *  Base, and `_windows`, whose version is that of the system. Source: cygwin-setup package_db.cc `makeBase`, `makeWindows`. */
interface Resident {
  readonly name: string;
  readonly version: string;
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
}

/** What the solver chooses among, numbered as libsolv would number it: versions in the order read, then the residents.
 *  Looks things up in the catalog on demand, so that a small closure costs little. */
export class Pool {
  readonly catalog: Catalog;
  readonly firstInstalled: Solvable;
  /** One past the last number. */
  readonly end: Solvable;
  readonly #residents: readonly Resident[];
  readonly #testPriority: number;
  readonly #ids: Map<CatalogVersion, Solvable> = new Map();
  readonly #byName = new Map<string, readonly Solvable[]>();
  readonly #byDependency = new Map<Dependency, readonly Solvable[]>();
  readonly #byList = new Map<readonly Dependency[], Needs>();
  readonly #needs: (Needs | undefined)[] = [];
  #idsReady = false;

  constructor(catalog: Catalog, options: { base: readonly string[] | undefined; windows: string; test: boolean; installed: readonly Present[] }) {
    this.catalog = catalog;
    this.firstInstalled = FIRST + catalog.versions.length;
    const residents: Resident[] = [];
    if (options.base !== undefined) {
      residents.push({ ...bare('base', '0.0-0'), depends: options.base.map((name) => ({ name })) });
    }
    residents.push(bare('_windows', options.windows));
    for (const { name, version } of options.installed) {
      const known = catalog.find(name, version)?.record;
      residents.push(known === undefined ? bare(name, version) : { ...known, name });
    }
    this.#residents = residents;
    this.#testPriority = options.test ? 1 : 0;
    this.end = this.firstInstalled + residents.length;
    this.#needs.length = this.end;
  }

  isInstalled(s: Solvable): boolean {
    return s >= this.firstInstalled;
  }

  /** The catalog's version behind a number; undefined for what is installed. */
  catalogVersion(s: Solvable): CatalogVersion | undefined {
    return this.catalog.versions[s - FIRST];
  }

  /** Number of a version of the catalog. */
  solvable(version: CatalogVersion): Solvable {
    if (!this.#idsReady) {
      // Ranks have gaps only where records were replaced; without gaps the number follows from the rank.
      const last = this.catalog.versions.at(-1);
      if (last !== undefined && last.rank + 1 !== this.catalog.versions.length) {
        this.catalog.versions.forEach((each, i) => this.#ids.set(each, FIRST + i));
      }
      this.#idsReady = true;
    }
    return this.#ids.size === 0 ? FIRST + version.rank : (this.#ids.get(version) ?? 0);
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
    return this.catalogVersion(s)?.record.depends ?? this.#resident(s)?.depends ?? NO_DEPENDENCIES;
  }

  obsoletes(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.record.obsoletes ?? this.#resident(s)?.obsoletes ?? NO_DEPENDENCIES;
  }

  provides(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.record.provides ?? this.#resident(s)?.provides ?? NO_DEPENDENCIES;
  }

  conflicts(s: Solvable): readonly Dependency[] {
    return this.catalogVersion(s)?.record.conflicts ?? this.#resident(s)?.conflicts ?? NO_DEPENDENCIES;
  }

  compareVersions(a: Solvable, b: Solvable): number {
    return compareVersions(this.version(a), this.version(b));
  }

  /** What bears or provides a name, in any version, ascending. */
  providersOfName(name: string): readonly Solvable[] {
    let list = this.#byName.get(name);
    if (list === undefined) {
      list = this.#collect(name);
      this.#byName.set(name, list);
    }
    return list;
  }

  #collect(name: string): readonly Solvable[] {
    const own = this.catalog.packages.get(name)?.versions;
    const others = this.catalog.providersOf(name);
    const list: Solvable[] = [];
    if (own !== undefined) for (const version of own) list.push(this.solvable(version));
    for (const version of others) if (version.name !== name) list.push(this.solvable(version));
    if (others.length > 0) list.sort((a, b) => a - b);
    this.#residents.forEach((resident, i) => {
      if (resident.name === name || resident.provides.some((provided) => provided.name === name)) list.push(this.firstInstalled + i);
    });
    return list.length === 0 ? NONE : list;
  }

  /** What meets a dependency, ascending. The parser makes one object of equal dependencies as far as it can, and looking
   *  an object up is cheaper than a text; requirements of a whole index are a few hundred thousand. */
  providers(dependency: Dependency): readonly Solvable[] {
    let list = this.#byDependency.get(dependency);
    if (list === undefined) {
      const { name, op, version } = dependency;
      list = this.providersOfName(name);
      if (op !== undefined && version !== undefined) list = list.filter((s) => this.#provides(s, name, { op, version }));
      this.#byDependency.set(dependency, list);
    }
    return list;
  }

  /** What meets each requirement of a solvable. It is worked out once for each list of dependencies, which many versions share:
   *  to look up each requirement of each version would take longer than all else with a whole index. */
  needs(s: Solvable): Needs {
    return (this.#needs[s] ??= this.#needsOf(this.requires(s)));
  }

  #needsOf(dependencies: readonly Dependency[]): Needs {
    let needs = this.#byList.get(dependencies);
    if (needs === undefined) {
      needs = { number: this.#byList.size, met: dependencies.map((dependency) => this.providers(dependency)) };
      this.#byList.set(dependencies, needs);
    }
    return needs;
  }

  #provides(s: Solvable, name: string, wanted: { op: NonNullable<Dependency['op']>; version: string }): boolean {
    if (this.name(s) === name && criteriaMeet({ op: '=', version: this.version(s) }, wanted)) return true;
    return this.provides(s).some(
      (provided) =>
        provided.name === name &&
        (provided.op === undefined || provided.version === undefined || criteriaMeet({ op: provided.op, version: provided.version }, wanted)),
    );
  }

  /** Those among the providers of an `obsoletes:` entry that bear its name: obsoleting goes by name, not by provides. */
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
  return { name, version, depends: [], obsoletes: [], provides: [], conflicts: [] };
}
