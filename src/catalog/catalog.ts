import type { Archive, Dependency, IndexHeader, PackageRecord, SourceArchive, VersionRecord } from '../setup-ini/records.ts';
import { compareVersions } from '../version/compare.ts';

/** What one index contributes: its name (for messages), its header and its records in the order read. */
export interface IndexContent {
  readonly name: string;
  readonly header: IndexHeader;
  readonly records: Iterable<PackageRecord>;
}

/** One installable release of a package: a version with a binary archive. */
export interface CatalogVersion {
  readonly name: string;
  readonly record: VersionRecord;
  /** The binary archive; the same as `record.install`. */
  readonly archive: Archive;
  /** Number of the index it comes from, from 0. */
  readonly index: number;
  /** Rank in the order read, over all indexes; unique. */
  readonly rank: number;
}

export interface SourceVersion {
  readonly name: string;
  readonly version: string;
  readonly archive: Archive;
  readonly index: number;
}

/** A package as all indexes together describe it. */
export interface CatalogPackage {
  readonly name: string;
  sdesc: string;
  ldesc: string;
  /** First spelling of each, compared without regard to case, in the order read; `Orphaned` when the index gives none. */
  categories: readonly string[];
  /** Every version a plan can hold, in the order read. The same version number can be there once for each release label. */
  readonly versions: CatalogVersion[];
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
  /** All versions a plan can hold, by rank ascending. */
  readonly versions: readonly CatalogVersion[];
  /** What the `source:` lines of each index say, in the order read. */
  readonly #sourceLists: readonly (readonly SourceArchive[])[];
  #sources: Map<string, SourceVersion[]> | undefined;
  /** The few versions that provide or obsolete anything. */
  readonly #offering: readonly CatalogVersion[];
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
    versions: readonly CatalogVersion[];
    sources: readonly (readonly SourceArchive[])[];
    offering: readonly CatalogVersion[];
  }) {
    this.headers = parts.headers;
    this.indexNames = parts.indexNames;
    this.packages = parts.packages;
    this.versions = parts.versions;
    this.#sourceLists = parts.sources;
    this.#offering = parts.offering;
  }

  /** Versions that provide `name` by a `provides:` line or by obsoleting it, by rank; not the package of that name itself. */
  providersOf(name: string): readonly CatalogVersion[] {
    this.#provided ??= this.#invert((version) => version.record.provides);
    return this.#provided.get(name) ?? [];
  }

  /** Versions that obsolete a package name, whatever the version criterion, by rank. */
  obsoletersOf(name: string): readonly CatalogVersion[] {
    this.#obsoleted ??= this.#invert((version) => version.record.obsoletes);
    return this.#obsoleted.get(name) ?? [];
  }

  #invert(listOf: (version: CatalogVersion) => readonly Dependency[]): Map<string, CatalogVersion[]> {
    const map = new Map<string, CatalogVersion[]>();
    for (const version of this.#offering) {
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
    if (this.#sources === undefined) {
      this.#sources = new Map();
      for (const [index, list] of this.#sourceLists.entries()) {
        for (const { packageName, version: number, archive } of list) {
          const each: SourceVersion = { name: packageName, version: number, archive, index };
          const known = this.#sources.get(packageName);
          if (known === undefined) this.#sources.set(packageName, [each]);
          else known.push(each);
        }
      }
    }
    return this.#sources.get(name)?.findLast((each) => each.version === version);
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
      const same = listed.findIndex(({ record }) => record.version === candidate.record.version);
      if (same >= 0) listed[same] = candidate;
      else if (!listed.some(({ record }) => compareVersions(record.version, candidate.record.version) === 0)) listed.push(candidate);
    }
    return listed.find(({ record }) => record.version === version);
  }

  /** The highest version of stability curr, else the highest of all that are not test, else the highest. */
  current(pkg: CatalogPackage): CatalogVersion | undefined {
    return (
      highest(pkg.versions.filter(({ record }) => record.stability === 'curr')) ??
      highest(pkg.versions.filter(({ record }) => record.stability !== 'test')) ??
      highest(pkg.versions)
    );
  }
}

function highest(versions: readonly CatalogVersion[]): CatalogVersion | undefined {
  let best: CatalogVersion | undefined;
  for (const candidate of versions) {
    if (best === undefined || compareVersions(candidate.record.version, best.record.version) >= 0) best = candidate;
  }
  return best;
}

/** `key` is in lower case. */
function holdsCategory(categories: readonly string[], key: string): boolean {
  for (const each of categories) if (each.length === key.length && each.toLowerCase() === key) return true;
  return false;
}

const NO_CATEGORY: readonly string[] = ['Orphaned'];

/** Takes records as they are parsed, so that no list of them need be held; see {@link Catalog} for the rules. */
export class CatalogBuilder {
  readonly #headers: IndexHeader[] = [];
  readonly #indexNames: string[] = [];
  readonly #packages = new Map<string, CatalogPackage>();
  readonly #sources: SourceArchive[][] = [];
  readonly #versions: CatalogVersion[] = [];
  readonly #offering: CatalogVersion[] = [];
  /** Ranks whose version was replaced by a later record of the same index label. */
  readonly #replaced = new Set<number>();
  /** Release label in force for each index, learnt from its header only at its end. */
  readonly #releases: string[] = [];
  /** Where the versions of a new package gather, so that what is kept has its exact size. */
  readonly #scratch: CatalogVersion[] = [];

  /** Adds a record of the current index. `release` is the index's `release:` label, empty without one. */
  add(record: PackageRecord, release = ''): void {
    const index = this.#headers.length;
    this.#releases[index] = release;
    const sources = (this.#sources[index] ??= []);
    const known = this.#packages.get(record.name);
    const name = known?.name ?? record.name;
    const versions = known?.versions ?? this.#scratch;
    if (known === undefined) versions.length = 0;
    let isInstallable = false;
    for (const version of record.versions) {
      const { source, install } = version;
      if (source !== undefined) sources.push(source);
      if (install === undefined) continue;
      isInstallable = true;
      this.#addVersion(versions, { name, record: version, archive: install, index, rank: this.#versions.length });
    }
    if (!isInstallable) return;
    if (known === undefined) this.#packages.set(name, { name, sdesc: record.sdesc, ldesc: record.ldesc, categories: record.categories, versions: versions.slice() });
    else describe(known, record);
  }

  #addVersion(versions: CatalogVersion[], added: CatalogVersion): void {
    for (let i = versions.length - 1; i >= 0; i--) {
      const earlier = versions[i];
      if (earlier === undefined || earlier.record.version !== added.record.version) continue;
      if (this.#releases[earlier.index] === this.#releases[added.index]) {
        this.#replaced.add(earlier.rank);
        versions.splice(i, 1);
      }
      break;
    }
    this.#versions.push(added);
    versions.push(added);
    if (added.record.provides.length > 0 || added.record.obsoletes.length > 0) this.#offering.push(added);
  }

  /** Closes the current index. */
  endIndex(name: string, header: IndexHeader): void {
    this.#sources[this.#headers.length] ??= [];
    this.#headers.push(header);
    this.#indexNames.push(name);
  }

  finish(): Catalog {
    for (const pkg of this.#packages.values()) if (pkg.categories.length === 0) pkg.categories = NO_CATEGORY;
    const kept = (versions: CatalogVersion[]): CatalogVersion[] =>
      this.#replaced.size === 0 ? versions : versions.filter(({ rank }) => !this.#replaced.has(rank));
    return new Catalog({
      headers: this.#headers,
      indexNames: this.#indexNames,
      packages: this.#packages,
      versions: kept(this.#versions),
      sources: this.#sources,
      offering: kept(this.#offering),
    });
  }
}

/** Merges what a later record says of a package. */
function describe(pkg: CatalogPackage, record: PackageRecord): void {
  pkg.sdesc = record.sdesc || pkg.sdesc;
  pkg.ldesc = record.ldesc || pkg.ldesc;
  const fresh = record.categories.filter((category) => !holdsCategory(pkg.categories, category.toLowerCase()));
  if (fresh.length > 0) pkg.categories = [...pkg.categories, ...fresh];
}
