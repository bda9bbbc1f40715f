import type { Archive, Dependency, IndexHeader, PackageBlock, PackageRecord, SourceArchive, Stability, VersionRecord } from '../setup-ini/records.ts';
import { VersionRows, type PackageRows, type Row, type VersionTable } from '../setup-ini/version-table.ts';
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
  /** The same as `record.version` and `record.stability`, which need no record to be made. */
  readonly version: string;
  readonly stability: Stability;
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
  /** The versions of every package of each index, in the order read. */
  readonly #read: readonly (readonly Listed[])[];
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
    read: readonly (readonly Listed[])[];
    offering: readonly CatalogVersion[];
  }) {
    this.headers = parts.headers;
    this.indexNames = parts.indexNames;
    this.packages = parts.packages;
    this.versions = parts.versions;
    this.#read = parts.read;
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
      else if (!listed.some(({ version: each }) => compareVersions(each, candidate.version) === 0)) listed.push(candidate);
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

function highest(versions: readonly CatalogVersion[]): CatalogVersion | undefined {
  let best: CatalogVersion | undefined;
  for (const candidate of versions) {
    if (best === undefined || compareVersions(candidate.version, best.version) >= 0) best = candidate;
  }
  return best;
}

/** `key` is in lower case. */
function holdsCategory(categories: readonly string[], key: string): boolean {
  for (const each of categories) if (each.length === key.length && each.toLowerCase() === key) return true;
  return false;
}

/** The versions of one package as one index lists them. */
type Listed = (PackageRecord | PackageRows)['versions'];

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

/** A version whose record is made when it is asked for, and kept. */
class RowVersion implements CatalogVersion {
  readonly name: string;
  readonly index: number;
  readonly rank: number;
  readonly #table: VersionTable;
  readonly #row: Row;
  #record: VersionRecord | undefined;

  constructor(table: VersionTable, row: Row, name: string, index: number, rank: number) {
    this.name = name;
    this.index = index;
    this.rank = rank;
    this.#table = table;
    this.#row = row;
  }

  get version(): string {
    return this.#table.version(this.#row);
  }

  get stability(): Stability {
    return this.#table.stability(this.#row);
  }

  get record(): VersionRecord {
    return (this.#record ??= this.#table.record(this.#row, this.name));
  }

  get archive(): Archive {
    const { install } = this.record;
    if (install === undefined) throw new Error(`a version without an archive is in the catalog: ${this.name} ${this.version}`);
    return install;
  }
}

const NO_CATEGORY: readonly string[] = ['Orphaned'];

/** Takes packages as they are parsed, as records or, which costs less, as rows; see {@link Catalog} for the rules. */
export class CatalogBuilder {
  readonly #headers: IndexHeader[] = [];
  readonly #indexNames: string[] = [];
  readonly #packages = new Map<string, CatalogPackage>();
  readonly #read: Listed[][] = [];
  readonly #versions: CatalogVersion[] = [];
  readonly #offering: CatalogVersion[] = [];
  /** Ranks whose version was replaced by a later record of the same index label. */
  readonly #replaced = new Set<number>();
  /** Release label in force for each index, learnt from its header only at its end. */
  readonly #releases: string[] = [];
  /** Where the versions of a new package gather, so that what is kept has its exact size. */
  readonly #scratch: CatalogVersion[] = [];

  /** Adds a package of the current index. `release` is the index's `release:` label, empty without one. */
  add(pkg: PackageRecord | PackageRows, release = ''): void {
    const index = this.#headers.length;
    this.#releases[index] = release;
    const listed = pkg.versions;
    (this.#read[index] ??= []).push(listed);
    const known = this.#packages.get(pkg.name);
    const name = known?.name ?? pkg.name;
    const versions = known?.versions ?? this.#scratch;
    if (known === undefined) versions.length = 0;
    const before = this.#versions.length;
    if (listed instanceof VersionRows) {
      const { table, start, end } = listed;
      for (let row = start; row < end; row++) {
        if (table.isInstallable(row)) this.#addVersion(versions, new RowVersion(table, row, name, index, this.#versions.length), table.isOffering(row));
      }
    } else {
      for (const record of listed) {
        const { version, stability, install: archive, provides, obsoletes } = record;
        if (archive === undefined) continue;
        this.#addVersion(versions, { name, version, stability, record, archive, index, rank: this.#versions.length }, provides.length + obsoletes.length > 0);
      }
    }
    if (this.#versions.length === before) return;
    if (known === undefined) this.#packages.set(name, { name, sdesc: pkg.sdesc, ldesc: pkg.ldesc, categories: pkg.categories, versions: versions.slice() });
    else describe(known, pkg);
  }

  #addVersion(versions: CatalogVersion[], added: CatalogVersion, isOffering: boolean): void {
    for (let i = versions.length - 1; i >= 0; i--) {
      const earlier = versions[i];
      if (earlier === undefined || earlier.version !== added.version) continue;
      if (this.#releases[earlier.index] === this.#releases[added.index]) {
        this.#replaced.add(earlier.rank);
        versions.splice(i, 1);
      }
      break;
    }
    this.#versions.push(added);
    versions.push(added);
    if (isOffering) this.#offering.push(added);
  }

  /** Closes the current index. */
  endIndex(name: string, header: IndexHeader): void {
    this.#read[this.#headers.length] ??= [];
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
      read: this.#read,
      offering: kept(this.#offering),
    });
  }
}

/** Merges what a later record says of a package. */
function describe(pkg: CatalogPackage, record: PackageBlock<unknown>): void {
  pkg.sdesc = record.sdesc || pkg.sdesc;
  pkg.ldesc = record.ldesc || pkg.ldesc;
  const fresh = record.categories.filter((category) => !holdsCategory(pkg.categories, category.toLowerCase()));
  if (fresh.length > 0) pkg.categories = [...pkg.categories, ...fresh];
}
