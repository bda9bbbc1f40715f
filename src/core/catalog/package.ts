import type { Archive, Dependency, PackageRecord, Stability, VersionRecord } from '../setup-ini/records.ts';
import { VersionRows, type PackageRows, type Row, type VersionTable } from '../setup-ini/version-table.ts';

/** One installable release of a package: a version with a binary archive. */
export interface CatalogVersion {
  readonly name: string;
  /** This field and those up to `conflicts` equal those of `record`, but do not create the record. */
  readonly version: string;
  readonly stability: Stability;
  readonly section: string;
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly record: VersionRecord;
  /** The binary archive; the same as `record.install`. */
  readonly archive: Archive;
  /** Number of its index, from 0. */
  readonly index: number;
  /** Position in reading order over all indexes; unique. */
  readonly rank: number;
}

/** A package merged from all indexes. */
export interface CatalogPackage {
  readonly name: string;
  sdesc: string;
  ldesc: string;
  /** In reading order, without repeats regardless of case, in the first spelling; `Orphaned` without any. */
  categories: readonly string[];
  /** All installable versions in reading order. A version number can occur once for each release label. */
  readonly versions: readonly CatalogVersion[];
}

/** Returns whether a category is in the list, without regard to case. `key` is in lower case. */
export function hasCategory(categories: readonly string[], key: string): boolean {
  for (const each of categories) if (each.length === key.length && each.toLowerCase() === key) return true;
  return false;
}

/** The versions of one package block. */
export type BlockVersions = (PackageRecord | PackageRows)['versions'];

/** A version whose record and archive are created on first access. */
class RowVersion implements CatalogVersion {
  readonly name: string;
  readonly version: string;
  readonly stability: Stability;
  readonly index: number;
  readonly rank: number;
  readonly #table: VersionTable;
  readonly #row: Row;
  #record: VersionRecord | undefined;
  #archive: Archive | undefined;

  constructor(table: VersionTable, row: Row, name: string, index: number, rank: number) {
    this.name = name;
    this.version = table.version(row);
    this.stability = table.stability(row);
    this.index = index;
    this.rank = rank;
    this.#table = table;
    this.#row = row;
  }

  get section(): string {
    return this.#table.section(this.#row);
  }

  get depends(): readonly Dependency[] {
    return this.#table.depends(this.#row);
  }

  get obsoletes(): readonly Dependency[] {
    return this.#table.rareLists(this.#row).obsoletes;
  }

  get provides(): readonly Dependency[] {
    return this.#table.rareLists(this.#row).provides;
  }

  get conflicts(): readonly Dependency[] {
    return this.#table.rareLists(this.#row).conflicts;
  }

  get record(): VersionRecord {
    return (this.#record ??= this.#table.record(this.#row, this.name));
  }

  get archive(): Archive {
    return (this.#archive ??= this.#table.install(this.#row));
  }
}

/** A package merged from its blocks. Its versions are created on first access, because a command uses few packages. */
export class MergedPackage implements CatalogPackage {
  readonly name: string;
  sdesc: string;
  ldesc: string;
  categories: readonly string[];
  /** Release label of each index. */
  readonly #releases: readonly string[];
  readonly #block: BlockVersions;
  readonly #index: number;
  readonly #firstRank: number;
  /** Further blocks of the package. */
  #more: MergedPackage[] | undefined;
  #versions: readonly CatalogVersion[] | undefined;

  /** `firstRank` is the rank of the first installable version of the block. */
  constructor(
    { name, sdesc, ldesc, categories, versions }: PackageRecord | PackageRows,
    index: number,
    firstRank: number,
    releases: readonly string[],
  ) {
    this.name = name;
    this.sdesc = sdesc;
    this.ldesc = ldesc;
    this.categories = categories;
    this.#releases = releases;
    this.#block = versions;
    this.#index = index;
    this.#firstRank = firstRank;
  }

  /** Merges a later block. */
  add(later: MergedPackage): void {
    this.sdesc = later.sdesc || this.sdesc;
    this.ldesc = later.ldesc || this.ldesc;
    const fresh = later.categories.filter((category) => !hasCategory(this.categories, category.toLowerCase()));
    if (fresh.length > 0) this.categories = [...this.categories, ...fresh];
    (this.#more ??= []).push(later);
    this.#versions = undefined;
  }

  get versions(): readonly CatalogVersion[] {
    return (this.#versions ??= this.#merged());
  }

  #merged(): readonly CatalogVersion[] {
    const versions: CatalogVersion[] = [];
    this.#addTo(versions);
    for (const each of this.#more ?? []) each.#addTo(versions);
    const last = new Map<string, CatalogVersion>();
    const replaced = new Set<CatalogVersion>();
    for (const version of versions) {
      const earlier = last.get(version.version);
      if (earlier !== undefined && this.#releases[earlier.index] === this.#releases[version.index])
        replaced.add(earlier);
      last.set(version.version, version);
    }
    return replaced.size === 0 ? versions : versions.filter((each) => !replaced.has(each));
  }

  /** Adds all installable versions in reading order. */
  #addTo(versions: CatalogVersion[]): void {
    const { name } = this;
    const index = this.#index;
    const listed = this.#block;
    let rank = this.#firstRank;
    if (listed instanceof VersionRows) {
      const { table, start, end } = listed;
      for (let row = start; row < end; row++)
        if (table.isInstallable(row)) versions.push(new RowVersion(table, row, name, index, rank++));
    } else {
      for (const record of listed) {
        const { version, stability, section, install: archive, depends, obsoletes, provides, conflicts } = record;
        if (archive !== undefined)
          versions.push({
            name,
            version,
            stability,
            section,
            depends,
            obsoletes,
            provides,
            conflicts,
            record,
            archive,
            index,
            rank: rank++,
          });
      }
    }
  }
}
