import { NO_LIST, type DependencyList } from './pool.ts';
import { sourcePackageName, stabilityOf } from './records.ts';
import { NO_ARCHIVE, TextTable, put, twice, type ArchiveNumber, type TextNumber } from './text-table.ts';
import type { Archive, Dependency, PackageBlock, SourceArchive, Stability, VersionRecord } from './records.ts';

/** Number of a version in a table, from 0. */
export type Row = number;

const FIRST_ROWS = 1 << 6;
/** Fields of a version: line, number of the binary archive, number of the source archive, number of the rare lists from
 *  1, number of the version text, number of the label text. */
const ROW_FIELDS = 6;

/** Lists that few versions have. */
export interface RareLists {
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
}

const NO_RARE_LISTS: RareLists = { obsoletes: NO_LIST.entries, provides: NO_LIST.entries, conflicts: NO_LIST.entries };

/** Parsed versions as numbers and offsets in the text. A record is created on access: a command reads few versions, and
 *  creating records for all would take a third of the parse time. */
export class VersionTable {
  readonly texts = new TextTable();
  #rows = new Int32Array(FIRST_ROWS * ROW_FIELDS);
  #rowCount = 0;
  readonly #depends: DependencyList[] = [];
  readonly #buildDepends: DependencyList[] = [];
  readonly #rareLists: RareLists[] = [];
  #rareCount = 0;
  /** Versions of source archives, where they differ from the version of the row. */
  readonly #sourceVersions = new Map<Row, string>();
  readonly #sourceNames = new Map<Row, string>();

  /** Number of versions. */
  get count(): number {
    return this.#rowCount;
  }

  /** Removes the versions from row `start`; when none is left, also all archives and texts. */
  cut(start: Row): void {
    // The arrays keep their length for reuse.
    this.#rowCount = start;
    removeFrom(this.#sourceVersions, start);
    removeFrom(this.#sourceNames, start);
    if (start > 0) return;
    this.texts.clear();
    this.#rareCount = 0;
  }

  /** Adds a version. Call {@link VersionTable.setLists} next. */
  add(version: TextNumber, section: TextNumber, line: number, install: ArchiveNumber, source: ArchiveNumber): Row {
    const row = this.#rowCount++;
    const at = row * ROW_FIELDS;
    if (at === this.#rows.length) this.#rows = twice(this.#rows);
    const rows = this.#rows;
    rows[at] = line;
    rows[at + 1] = install;
    rows[at + 2] = source;
    rows[at + 3] = 0;
    rows[at + 4] = version;
    rows[at + 5] = section;
    return row;
  }

  setLists(row: Row, depends: DependencyList, buildDepends: DependencyList): void {
    put(this.#depends, row, depends);
    put(this.#buildDepends, row, buildDepends);
  }

  setRareLists(row: Row, lists: RareLists): void {
    put(this.#rareLists, this.#rareCount++, lists);
    this.#rows[row * ROW_FIELDS + 3] = this.#rareCount;
  }

  setSourceVersion(row: Row, version: string): void {
    this.#sourceVersions.set(row, version);
  }

  setSourceName(row: Row, name: string): void {
    this.#sourceNames.set(row, name);
  }

  version(row: Row): string {
    return this.texts.text(this.#rows[row * ROW_FIELDS + 4]!);
  }

  /** The label as written; `curr` without a label. */
  section(row: Row): string {
    return this.texts.text(this.#rows[row * ROW_FIELDS + 5]!) || 'curr';
  }

  stability(row: Row): Stability {
    return stabilityOf(this.section(row));
  }

  depends(row: Row): readonly Dependency[] {
    return (this.#depends[row] ?? NO_LIST).entries;
  }

  buildDepends(row: Row): readonly Dependency[] {
    return (this.#buildDepends[row] ?? NO_LIST).entries;
  }

  /** Whether the version has a binary archive. */
  isInstallable(row: Row): boolean {
    return this.#rows[row * ROW_FIELDS + 1] !== NO_ARCHIVE;
  }

  /** The binary archive of an installable version. */
  install(row: Row): Archive {
    return this.texts.archive(this.#rows[row * ROW_FIELDS + 1]!);
  }

  /** Whether the version provides or obsoletes a name. */
  isProviding(row: Row): boolean {
    const { provides, obsoletes } = this.rareLists(row);
    return provides.length + obsoletes.length > 0;
  }

  /** The lists of obsoletes, provides and conflicts of a version. */
  rareLists(row: Row): RareLists {
    const number = this.#rows[row * ROW_FIELDS + 3]!;
    return number === 0 ? NO_RARE_LISTS : (this.#rareLists[number - 1] ?? NO_RARE_LISTS);
  }

  /** The source archive of a version of the package, from its `source:` line. */
  source(row: Row, packageName: string): SourceArchive | undefined {
    const number = this.#rows[row * ROW_FIELDS + 2]!;
    if (number === NO_ARCHIVE) return undefined;
    const version = this.#sourceVersions.get(row) ?? this.version(row);
    return { packageName: sourcePackageName(packageName), version, archive: this.texts.archive(number) };
  }

  /** Creates the record of a version of the package. */
  record(row: Row, packageName: string): VersionRecord {
    const line = this.#rows[row * ROW_FIELDS]!;
    const install = this.#rows[row * ROW_FIELDS + 1]!;
    const source = this.source(row, packageName);
    const sourceName = this.#sourceNames.get(row);
    const version = this.version(row);
    const section = this.section(row);
    const stability = stabilityOf(section);
    const depends = this.depends(row);
    const buildDepends = this.buildDepends(row);
    const { obsoletes, provides, conflicts } = this.rareLists(row);
    // The usual case as one literal: V8 gives it a compact layout.
    if (install !== NO_ARCHIVE && source !== undefined && sourceName === undefined) {
      return {
        version,
        stability,
        section,
        install: this.texts.archive(install),
        source,
        depends,
        obsoletes,
        provides,
        conflicts,
        buildDepends,
        line,
      };
    }
    return {
      version,
      stability,
      section,
      ...(install !== NO_ARCHIVE && { install: this.texts.archive(install) }),
      ...(source !== undefined && { source }),
      ...(sourceName !== undefined && { sourceName }),
      depends,
      obsoletes,
      provides,
      conflicts,
      buildDepends,
      line,
    };
  }
}

/** Versions of one package in a table: rows from `start` to before `end`. */
export class VersionRows {
  readonly packageName: string;
  readonly table: VersionTable;
  readonly start: Row;
  readonly end: Row;

  constructor(packageName: string, table: VersionTable, start: Row, end: Row) {
    this.packageName = packageName;
    this.table = table;
    this.start = start;
    this.end = end;
  }
}

/** A parsed package whose version records are created on access. */
export type PackageRows = PackageBlock<VersionRows>;

function removeFrom(notes: Map<Row, string>, start: Row): void {
  if (notes.size > 0) for (const row of notes.keys()) if (row >= start) notes.delete(row);
}
