import type {
  Archive,
  Dependency,
  PackageRecord,
  SourceArchive,
  Stability,
  VersionRecord,
} from '../setup-ini/records.ts';
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

/** A version with a `source:` line: its source and what is needed to build it. */
export interface BlockSource {
  readonly source: SourceArchive;
  readonly stability: Stability;
  readonly buildDepends: readonly Dependency[];
}

/** The versions of one package block, from records or from rows. */
export interface BlockVersions {
  /** Number of versions with a binary archive. */
  readonly installableCount: number;
  /** Whether an installable version provides or obsoletes a name. */
  readonly isProviding: boolean;
  /** Returns the sources of the `source:` lines in reading order. */
  sources(): BlockSource[];
  /** Returns the installable versions in reading order, with ranks from `firstRank`. `index` is the number of the
   *  index. */
  installable(index: number, firstRank: number): CatalogVersion[];
}

export function blockVersions({ name, versions }: PackageRecord | PackageRows): BlockVersions {
  return versions instanceof VersionRows ? new RowBlock(versions) : new RecordBlock(name, versions);
}

class RecordBlock implements BlockVersions {
  readonly installableCount: number;
  readonly isProviding: boolean;
  readonly #name: string;
  readonly #records: readonly VersionRecord[];

  constructor(name: string, records: readonly VersionRecord[]) {
    const installable = records.filter(({ install }) => install !== undefined);
    this.installableCount = installable.length;
    this.isProviding = installable.some(({ provides, obsoletes }) => provides.length + obsoletes.length > 0);
    this.#name = name;
    this.#records = records;
  }

  sources(): BlockSource[] {
    return this.#records.flatMap(({ source, stability, buildDepends }) =>
      source === undefined ? [] : [{ source, stability, buildDepends }],
    );
  }

  installable(index: number, firstRank: number): CatalogVersion[] {
    const name = this.#name;
    const versions: CatalogVersion[] = [];
    for (const record of this.#records) {
      const { version, stability, section, install: archive, depends, obsoletes, provides, conflicts } = record;
      if (archive === undefined) continue;
      const lists = { depends, obsoletes, provides, conflicts };
      const rank = firstRank + versions.length;
      versions.push({ name, version, stability, section, ...lists, record, archive, index, rank });
    }
    return versions;
  }
}

class RowBlock implements BlockVersions {
  readonly installableCount: number;
  readonly isProviding: boolean;
  readonly #rows: VersionRows;

  constructor(rows: VersionRows) {
    const { table, start, end } = rows;
    let count = 0;
    let isProviding = false;
    for (let row = start; row < end; row++) {
      if (!table.isInstallable(row)) continue;
      count++;
      isProviding ||= table.isProviding(row);
    }
    this.installableCount = count;
    this.isProviding = isProviding;
    this.#rows = rows;
  }

  sources(): BlockSource[] {
    const { table, start, end, packageName } = this.#rows;
    const sources: BlockSource[] = [];
    for (let row = start; row < end; row++) {
      const source = table.source(row, packageName);
      if (source !== undefined)
        sources.push({ source, stability: table.stability(row), buildDepends: table.buildDepends(row) });
    }
    return sources;
  }

  installable(index: number, firstRank: number): CatalogVersion[] {
    const { table, start, end, packageName } = this.#rows;
    const versions: CatalogVersion[] = [];
    for (let row = start; row < end; row++) {
      if (table.isInstallable(row))
        versions.push(new RowVersion(table, row, packageName, index, firstRank + versions.length));
    }
    return versions;
  }
}

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
