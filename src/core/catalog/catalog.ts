import type { Archive, Dependency, IndexHeader, PackageRecord, SourceArchive } from '../setup-ini/records.ts';
import { VersionRows, type PackageRows } from '../setup-ini/version-table.ts';
import { compareVersions } from '../version/compare.ts';
import { ReadPackage, holdsCategory, type CatalogPackage, type CatalogVersion, type Listed } from './package.ts';

/** What one index contributes: its name (for messages), its header and its records in the order read. */
export interface IndexContent {
  readonly name: string;
  readonly header: IndexHeader;
  readonly records: Iterable<PackageRecord>;
}

export interface SourceVersion {
  readonly name: string;
  readonly version: string;
  readonly archive: Archive;
  readonly index: number;
}

/** Everything known of several indexes, looked up by name, provided name, obsoleted name, category and source.
 *
 *  When records of one package meet: versions and categories are merged and the later description counts; of the same
 *  version under the same `release:` label the later record replaces the earlier; under another label both stay, the
 *  later one is what `name=version` means, and a free choice between the two takes the earlier.
 *  Source: cygwin-setup package_meta.cc `add_version`, IniDBBuilderPackage.cc. */
export class Catalog {
  readonly headers: readonly IndexHeader[];
  readonly indexNames: readonly string[];
  readonly packages: ReadonlyMap<string, CatalogPackage>;
  /** One past the highest rank. */
  readonly rankEnd: number;
  /** The versions of every package of each index, in the order read. */
  readonly #read: readonly (readonly Listed[])[];
  #sources: Map<string, SourceVersion[]> | undefined;
  /** The few packages of which some version provides or obsoletes anything. */
  readonly #offering: readonly CatalogPackage[];
  #provided: Map<string, CatalogVersion[]> | undefined;
  #obsoleted: Map<string, CatalogVersion[]> | undefined;
  readonly #members = new Map<string, readonly CatalogPackage[]>();

  /** Merges indexes in the order given; linear in their size. */
  static build(indexes: readonly IndexContent[]): Catalog {
    const builder = new CatalogBuilder();
    for (const index of indexes) {
      for (const record of index.records) builder.add(record, index.header.release);
      builder.endIndex(index.name, index.header);
    }
    return builder.finish();
  }

  /** Use {@link Catalog.build} or {@link CatalogBuilder}. */
  constructor(parts: {
    headers: readonly IndexHeader[];
    indexNames: readonly string[];
    packages: ReadonlyMap<string, CatalogPackage>;
    rankEnd: number;
    read: readonly (readonly Listed[])[];
    offering: readonly CatalogPackage[];
  }) {
    this.headers = parts.headers;
    this.indexNames = parts.indexNames;
    this.packages = parts.packages;
    this.rankEnd = parts.rankEnd;
    this.#read = parts.read;
    this.#offering = parts.offering;
  }

  /** All versions a plan can hold, by rank ascending; made anew each time. */
  versions(): CatalogVersion[] {
    return byRank([...this.packages.values()]);
  }

  /** Versions that provide `name` by a `provides:` line or by obsoleting it, by rank; not the package of that name itself. */
  providersOf(name: string): readonly CatalogVersion[] {
    this.#provided ??= this.#invert((version) => version.provides);
    return this.#provided.get(name) ?? [];
  }

  /** Versions that obsolete a package name, whatever the version criterion, by rank. */
  obsoletersOf(name: string): readonly CatalogVersion[] {
    this.#obsoleted ??= this.#invert((version) => version.obsoletes);
    return this.#obsoleted.get(name) ?? [];
  }

  #invert(listOf: (version: CatalogVersion) => readonly Dependency[]): Map<string, CatalogVersion[]> {
    const map = new Map<string, CatalogVersion[]>();
    for (const version of byRank(this.#offering)) {
      for (const { name } of listOf(version)) {
        const entry = map.get(name);
        if (entry === undefined) map.set(name, [version]);
        else if (entry.at(-1) !== version) entry.push(version);
      }
    }
    return map;
  }

  /** Category names in their first spelling, in byte order; `All`, which holds every package, is not among them. */
  categories(): string[] {
    const names = new Map<string, string>();
    for (const pkg of this.packages.values()) {
      for (const name of pkg.categories) {
        const key = name.toLowerCase();
        if (!names.has(key)) names.set(key, name);
      }
    }
    return [...names.values()].sort();
  }

  /** Members of a category in the order read; without regard to case, `All` means every package. */
  category(name: string): readonly CatalogPackage[] {
    const key = name.toLowerCase();
    let members = this.#members.get(key);
    if (members === undefined) {
      members = [...this.packages.values()];
      if (key !== 'all') members = members.filter((pkg) => holdsCategory(pkg.categories, key));
      this.#members.set(key, members);
    }
    return members;
  }

  /** The source package version, when an index lists it. */
  source(name: string, version: string): SourceVersion | undefined {
    this.#sources ??= this.#collectSources();
    return this.#sources.get(name)?.findLast((each) => each.version === version);
  }

  #collectSources(): Map<string, SourceVersion[]> {
    const sources = new Map<string, SourceVersion[]>();
    for (const [index, lists] of this.#read.entries()) {
      for (const listed of lists) {
        for (const { packageName, version, archive } of sourcesOf(listed)) {
          const each: SourceVersion = { name: packageName, version, archive, index };
          const known = sources.get(packageName);
          if (known === undefined) sources.set(packageName, [each]);
          else known.push(each);
        }
      }
    }
    return sources;
  }

  /** The source of a binary version: the archive of its own `source:` line, else that of the package its `Source:` line
   *  names in the same version. */
  sourceOf(version: CatalogVersion): SourceVersion | undefined {
    const { source, sourceName, version: number } = version.record;
    if (source !== undefined) return this.source(source.packageName, source.version);
    return sourceName === undefined ? undefined : this.source(sourceName, number);
  }

  /** What the user means by `name=version`. */
  find(name: string, version: string): CatalogVersion | undefined {
    // Setup keeps a package's versions as a set ordered by version: 1.05 does not get in when 1.5 is there already, and
    // of the same text under two release labels the later takes the earlier's place.
    const listed: CatalogVersion[] = [];
    for (const candidate of this.packages.get(name)?.versions ?? []) {
      const same = listed.findIndex(({ version: each }) => each === candidate.version);
      if (same >= 0) listed[same] = candidate;
      else if (!listed.some(({ version: each }) => compareVersions(each, candidate.version) === 0))
        listed.push(candidate);
    }
    return listed.find(({ version: each }) => each === version);
  }

  /** The highest version of stability curr, else the highest of all that are not test, else the highest. */
  current(pkg: CatalogPackage): CatalogVersion | undefined {
    return (
      highest(pkg.versions.filter(({ stability }) => stability === 'curr')) ??
      highest(pkg.versions.filter(({ stability }) => stability !== 'test')) ??
      highest(pkg.versions)
    );
  }
}

function byRank(packages: readonly CatalogPackage[]): CatalogVersion[] {
  return packages.flatMap(({ versions }) => versions).sort((a, b) => a.rank - b.rank);
}

function highest(versions: readonly CatalogVersion[]): CatalogVersion | undefined {
  let best: CatalogVersion | undefined;
  for (const candidate of versions) {
    if (best === undefined || compareVersions(candidate.version, best.version) >= 0) best = candidate;
  }
  return best;
}

/** What the `source:` lines of a package say, in the order read. */
function* sourcesOf(listed: Listed): Generator<SourceArchive, void, undefined> {
  if (listed instanceof VersionRows) {
    const { table, start, end, packageName } = listed;
    for (let row = start; row < end; row++) {
      const source = table.source(row, packageName);
      if (source !== undefined) yield source;
    }
  } else {
    for (const { source } of listed) if (source !== undefined) yield source;
  }
}

const NO_CATEGORY: readonly string[] = ['Orphaned'];

/** Takes packages as they are parsed, as records or, which costs less, as rows; see {@link Catalog} for the rules. */
export class CatalogBuilder {
  readonly #headers: IndexHeader[] = [];
  readonly #indexNames: string[] = [];
  readonly #packages = new Map<string, ReadPackage>();
  readonly #read: Listed[][] = [];
  readonly #offering = new Set<ReadPackage>();
  #nextRank = 0;
  /** Release label in force for each index, learnt from its header only at its end. */
  readonly #releases: string[] = [];

  /** Adds a package of the current index. `release` is the index's `release:` label, empty without one. */
  add(pkg: PackageRecord | PackageRows, release = ''): void {
    const index = this.#headers.length;
    this.#releases[index] = release;
    const listed = pkg.versions;
    (this.#read[index] ??= []).push(listed);
    const firstRank = this.#nextRank;
    let isOffering = false;
    if (listed instanceof VersionRows) {
      const { table, start, end } = listed;
      for (let row = start; row < end; row++) {
        if (!table.isInstallable(row)) continue;
        this.#nextRank++;
        isOffering ||= table.isProviding(row);
      }
    } else {
      for (const { install, provides, obsoletes } of listed) {
        if (install === undefined) continue;
        this.#nextRank++;
        isOffering ||= provides.length + obsoletes.length > 0;
      }
    }
    if (this.#nextRank === firstRank) return;
    const read = new ReadPackage(pkg, index, firstRank, this.#releases);
    const known = this.#packages.get(read.name);
    if (known === undefined) this.#packages.set(read.name, read);
    else known.add(read);
    if (isOffering) this.#offering.add(known ?? read);
  }

  /** Closes the current index. */
  endIndex(name: string, header: IndexHeader): void {
    this.#read[this.#headers.length] ??= [];
    this.#headers.push(header);
    this.#indexNames.push(name);
  }

  finish(): Catalog {
    for (const pkg of this.#packages.values()) if (pkg.categories.length === 0) pkg.categories = NO_CATEGORY;
    return new Catalog({
      headers: this.#headers,
      indexNames: this.#indexNames,
      packages: this.#packages,
      rankEnd: this.#nextRank,
      read: this.#read,
      offering: [...this.#offering],
    });
  }
}
