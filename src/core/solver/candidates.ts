import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { criteriaMeet } from '../version/criteria.ts';

/** Number of an installable version, from {@link FIRST}; a literal of a rule is such a number or its negative. */
export type Solvable = number;

/** Always selected; a rule that requires its absence cannot be fulfilled. */
export const SYSTEM: Solvable = 1;
export const FIRST = 2;

export const NO_DEPENDENCIES: readonly Dependency[] = [];

/** The versions that meet each requirement of a list of dependencies. */
export interface Needs {
  /** Number of the list in the catalog, from 0. */
  readonly number: number;
  readonly list: readonly Dependency[];
  /** For each requirement the versions that meet it, ascending. */
  readonly met: readonly (readonly Solvable[])[];
}

/** The versions of a catalog as numbers, and which of them meet which requirements. Computed on demand, so that a
 *  small closure is cheap, and once for all requests, since a catalog does not change. */
export class Candidates {
  static readonly #all = new WeakMap<Catalog, Candidates>();

  readonly #catalog: Catalog;
  /** By rank, computed on demand. */
  readonly #versions: (CatalogVersion | undefined)[] = [];
  /** By rank: versions that have or provide the name of a version, as {@link Candidates.providersOfName}. */
  readonly #namesakes: (readonly Solvable[] | undefined)[] = [];
  readonly #byName = new Map<string, readonly Solvable[]>();
  readonly #byDependency = new Map<Dependency, readonly Solvable[]>();
  readonly #byList = new Map<readonly Dependency[], Needs>();
  /** By rank. */
  readonly #needs: (Needs | undefined)[] = [];
  #base: readonly Dependency[] = [];

  static of(catalog: Catalog): Candidates {
    let known = Candidates.#all.get(catalog);
    if (known === undefined) {
      known = new Candidates(catalog);
      Candidates.#all.set(catalog, known);
    }
    return known;
  }

  private constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#versions.length = catalog.rankEnd;
    this.#namesakes.length = catalog.rankEnd;
    this.#needs.length = catalog.rankEnd;
  }

  /** Returns the version of a number. */
  version(s: Solvable): CatalogVersion | undefined {
    return this.#versions[s - FIRST];
  }

  /** Returns the number of a version. */
  solvable(version: CatalogVersion): Solvable {
    this.#versions[version.rank] = version;
    return FIRST + version.rank;
  }

  /** Returns the versions that have or provide the name of a version, ascending. */
  namesakes(s: Solvable): readonly Solvable[] {
    return this.#namesakes[s - FIRST] ?? this.providersOfName(this.version(s)?.name ?? '');
  }

  /** Returns the versions that have or provide a name, in any version, ascending. */
  providersOfName(name: string): readonly Solvable[] {
    let list = this.#byName.get(name);
    if (list === undefined) {
      list = this.#collect(name);
      // Other names come from requests and would stay in memory forever.
      if (list.length > 0) this.#byName.set(name, list);
    }
    return list;
  }

  #collect(name: string): readonly Solvable[] {
    const own = (this.#catalog.packages.get(name)?.versions ?? []).map((version) => this.solvable(version));
    const others = this.#catalog.providersOf(name).filter((version) => version.name !== name);
    const list =
      others.length === 0 ? own : [...own, ...others.map((version) => this.solvable(version))].sort((a, b) => a - b);
    for (const s of own) this.#namesakes[s - FIRST] = list;
    return list;
  }

  /** Returns the requirements of setup's artificial `base` package: one list for the same names, so that nothing of a
   *  single request is kept. */
  requirementsOf(names: readonly string[]): readonly Dependency[] {
    const isKnown = names.length === this.#base.length && names.every((name, i) => name === this.#base[i]?.name);
    if (!isKnown) this.#base = names.map((name) => ({ name }));
    return this.#base;
  }

  /** Returns the versions that meet a dependency of the catalog, ascending. Mostly keyed by object: the parser shares
   *  equal dependencies, and an index has hundreds of thousands. */
  providers(dependency: Dependency): readonly Solvable[] {
    let list = this.#byDependency.get(dependency);
    if (list === undefined) {
      list = this.providersOfName(dependency.name);
      if (dependency.op !== undefined) list = list.filter((s) => isProvided(this.version(s), dependency));
      this.#byDependency.set(dependency, list);
    }
    return list;
  }

  /** Returns the versions that meet each requirement of a version. Computed once for each list of dependencies, which
   *  many versions share. */
  needs(s: Solvable): Needs {
    return (this.#needs[s - FIRST] ??= this.needsOf(this.version(s)?.depends ?? NO_DEPENDENCIES));
  }

  needsOf(list: readonly Dependency[]): Needs {
    let needs = this.#byList.get(list);
    if (needs === undefined) {
      needs = { number: this.#byList.size, list, met: list.map((dependency) => this.providers(dependency)) };
      this.#byList.set(list, needs);
    }
    return needs;
  }
}

/** Returns whether a version has or provides the name of a dependency in a version that it admits. */
export function isProvided(
  by: Pick<CatalogVersion, 'name' | 'version' | 'provides'> | undefined,
  { name, op, version }: Dependency,
): boolean {
  if (by === undefined) return false;
  if (op === undefined || version === undefined)
    return by.name === name || by.provides.some((provided) => provided.name === name);
  const wanted = { op, version };
  if (by.name === name && criteriaMeet({ op: '=', version: by.version }, wanted)) return true;
  return by.provides.some(
    (provided) =>
      provided.name === name &&
      (provided.op === undefined ||
        provided.version === undefined ||
        criteriaMeet({ op: provided.op, version: provided.version }, wanted)),
  );
}
