import { MD5_DIGITS } from './parser/lexicon.ts';
import { NO_LIST, type DependencyList } from './parser/pool.ts';
import { sourcePackageName, stabilityOf } from './records.ts';
import type { Archive, Dependency, PackageBlock, SourceArchive, Stability, VersionRecord } from './records.ts';

/** Number of an archive in a table, from 1. */
export type ArchiveNumber = number;
export const NO_ARCHIVE: ArchiveNumber = 0;

/** Number of a short text in a table, from 1. */
export type TextNumber = number;
/** Stands for the empty text. */
export const NO_TEXT: TextNumber = 0;

/** Number of a version in a table, from 0. */
export type Row = number;

const NOT_LISTED = -1;

const FIRST_ARCHIVES = 1 << 6;
const FIRST_ROWS = 1 << 6;
const FIRST_SHORT_TEXTS = 1 << 6;

/** Fields of an archive: number of its text, start and end of the path, size in bytes, start and end of the digest. */
const ARCHIVE_FIELDS = 6;

/** Fields of a short text: number of the text it stands in, start and end. */
const TEXT_FIELDS = 3;

/** Fields of a version: its line, the numbers of its archive and of its source's, where its rare lists are, from 1, and the numbers
 *  of its version and its label. */
const ROW_FIELDS = 6;

/** Lists that few versions have. */
export interface RareLists {
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
}

const NO_RARE_LISTS: RareLists = { obsoletes: NO_LIST.entries, provides: NO_LIST.entries, conflicts: NO_LIST.entries };

/** Versions as the parser leaves them: numbers and places in the text, of which a record is made when somebody asks. Of an index
 *  most versions are never asked for, and as objects they take a third of the time of reading it. */
export class VersionTable {
  /** The chunks that archives and short texts stand in, and short texts that stand in none. */
  readonly #texts: string[] = [];
  #textCount = 0;
  #text = '';
  /** Its place among the texts, once it has one. */
  #textAt = NOT_LISTED;
  #shortTexts = new Int32Array(FIRST_SHORT_TEXTS * TEXT_FIELDS);
  #shortTextCount = 0;
  #archives = new Int32Array(FIRST_ARCHIVES * ARCHIVE_FIELDS);
  #archiveCount = 0;
  /** Archives whose lines do not have the usual form. */
  readonly #otherArchives = new Map<ArchiveNumber, Archive>();
  #rows = new Int32Array(FIRST_ROWS * ROW_FIELDS);
  #rowCount = 0;
  readonly #depends: DependencyList[] = [];
  readonly #buildDepends: DependencyList[] = [];
  readonly #rareLists: RareLists[] = [];
  #rareCount = 0;
  /** Where the version in force at the `source:` line was another than in the end. */
  readonly #sourceVersions = new Map<Row, string>();
  readonly #sourceNames = new Map<Row, string>();

  /** How many versions there are. */
  get count(): number {
    return this.#rowCount;
  }

  /** Forgets the versions from a row on; when none is left, also all archives and texts. */
  cut(start: Row): void {
    // The arrays keep their length: they are soon filled again, and to empty one is to allocate it anew.
    this.#rowCount = start;
    forget(this.#sourceVersions, start);
    forget(this.#sourceNames, start);
    if (start > 0) return;
    this.#textCount = 0;
    this.#textAt = NOT_LISTED;
    this.#archiveCount = 0;
    this.#shortTextCount = 0;
    this.#rareCount = 0;
    if (this.#otherArchives.size > 0) this.#otherArchives.clear();
  }

  /** Takes the text in hand, in which the archives and short texts that follow stand. */
  open(text: string): void {
    this.#text = text;
    this.#textAt = NOT_LISTED;
  }

  /** Adds an archive whose path and hexadecimal digest stand in the text in hand. */
  addArchive(pathAt: number, pathEnd: number, sizeBytes: number, digestAt: number, digestEnd: number): ArchiveNumber {
    const textAt = this.#listed();
    const at = this.#newArchive();
    const archives = this.#archives;
    archives[at] = textAt;
    archives[at + 1] = pathAt;
    archives[at + 2] = pathEnd;
    archives[at + 3] = sizeBytes;
    archives[at + 4] = digestAt;
    archives[at + 5] = digestEnd;
    return this.#archiveCount;
  }

  /** Where the text in hand is among the texts: it is put there when something in it is kept. */
  #listed(): number {
    if (this.#textAt === NOT_LISTED) this.#textAt = this.#keepText(this.#text);
    return this.#textAt;
  }

  #keepText(text: string): number {
    put(this.#texts, this.#textCount, text);
    return this.#textCount++;
  }

  /** Adds a short text that stands in the text in hand. */
  addText(start: number, end: number): TextNumber {
    return this.#addText(this.#listed(), start, end);
  }

  /** Adds any other short text. */
  addOtherText(text: string): TextNumber {
    return text === '' ? NO_TEXT : this.#addText(this.#keepText(text), 0, text.length);
  }

  #addText(textAt: number, start: number, end: number): TextNumber {
    const at = this.#shortTextCount++ * TEXT_FIELDS;
    if (at === this.#shortTexts.length) this.#shortTexts = twice(this.#shortTexts);
    const texts = this.#shortTexts;
    texts[at] = textAt;
    texts[at + 1] = start;
    texts[at + 2] = end;
    return this.#shortTextCount;
  }

  /** A short text, made anew each time. */
  text(number: TextNumber): string {
    if (number === NO_TEXT) return '';
    const texts = this.#shortTexts;
    const at = (number - 1) * TEXT_FIELDS;
    return (this.#texts[texts[at]!] ?? '').slice(texts[at + 1], texts[at + 2]);
  }

  /** Adds an archive of any other form. */
  addOtherArchive(archive: Archive): ArchiveNumber {
    this.#newArchive();
    this.#otherArchives.set(this.#archiveCount, archive);
    return this.#archiveCount;
  }

  /** Makes room for one more archive; returns where its fields are. */
  #newArchive(): number {
    const at = this.#archiveCount++ * ARCHIVE_FIELDS;
    if (at === this.#archives.length) this.#archives = twice(this.#archives);
    return at;
  }

  archive(number: ArchiveNumber): Archive {
    const other = this.#otherArchives.size === 0 ? undefined : this.#otherArchives.get(number);
    if (other !== undefined) return other;
    const archives = this.#archives;
    const at = (number - 1) * ARCHIVE_FIELDS;
    const text = this.#texts[archives[at]!] ?? '';
    const path = text.slice(archives[at + 1], archives[at + 2]);
    const sizeBytes = archives[at + 3]!;
    const digest = text.slice(archives[at + 4], archives[at + 5]);
    return digest.length === MD5_DIGITS ? { path, sizeBytes, md5: digest } : { path, sizeBytes, sha512: digest };
  }

  /** Adds a version; its lists must follow by {@link VersionTable.setLists}. */
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
    return this.text(this.#rows[row * ROW_FIELDS + 4]!);
  }

  /** The label as written, `curr` without one. */
  section(row: Row): string {
    return this.text(this.#rows[row * ROW_FIELDS + 5]!) || 'curr';
  }

  stability(row: Row): Stability {
    return stabilityOf(this.section(row));
  }

  depends(row: Row): readonly Dependency[] {
    return (this.#depends[row] ?? NO_LIST).entries;
  }

  /** Whether a binary archive is listed, so that the version can be installed. */
  isInstallable(row: Row): boolean {
    return this.#rows[row * ROW_FIELDS + 1] !== NO_ARCHIVE;
  }

  /** The binary archive of a version that can be installed. */
  install(row: Row): Archive {
    return this.archive(this.#rows[row * ROW_FIELDS + 1]!);
  }

  /** Whether the version provides or obsoletes anything. */
  isOffering(row: Row): boolean {
    const { provides, obsoletes } = this.rareLists(row);
    return provides.length + obsoletes.length > 0;
  }

  /** What a version obsoletes, provides and conflicts with. */
  rareLists(row: Row): RareLists {
    const number = this.#rows[row * ROW_FIELDS + 3]!;
    return number === 0 ? NO_RARE_LISTS : (this.#rareLists[number - 1] ?? NO_RARE_LISTS);
  }

  /** The archive that the `source:` line of a version of the package names. */
  source(row: Row, packageName: string): SourceArchive | undefined {
    const number = this.#rows[row * ROW_FIELDS + 2]!;
    if (number === NO_ARCHIVE) return undefined;
    const version = this.#sourceVersions.get(row) ?? this.version(row);
    return { packageName: sourcePackageName(packageName), version, archive: this.archive(number) };
  }

  /** The record of a version of the package, made anew each time. */
  record(row: Row, packageName: string): VersionRecord {
    const line = this.#rows[row * ROW_FIELDS]!;
    const install = this.#rows[row * ROW_FIELDS + 1]!;
    const source = this.source(row, packageName);
    const sourceName = this.#sourceNames.get(row);
    const version = this.version(row);
    const section = this.section(row);
    const stability = stabilityOf(section);
    const depends = this.depends(row);
    const buildDepends = (this.#buildDepends[row] ?? NO_LIST).entries;
    const { obsoletes, provides, conflicts } = this.rareLists(row);
    // The usual case apart, as one literal: properties added later cost memory and time.
    if (install !== NO_ARCHIVE && source !== undefined && sourceName === undefined) {
      return {
        version,
        stability,
        section,
        install: this.archive(install),
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
      ...(install !== NO_ARCHIVE && { install: this.archive(install) }),
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

/** The versions of one package in a table, from row `start` to before `end`. */
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

/** A package as the parser leaves it when records are to be made only of what is asked for. */
export type PackageRows = PackageBlock<VersionRows>;

function forget(notes: Map<Row, string>, start: Row): void {
  if (notes.size > 0) for (const row of notes.keys()) if (row >= start) notes.delete(row);
}

/** Sets an element of an array, or adds it at the end: to set what is not there yet is slow. */
function put<T>(array: T[], at: number, value: T): void {
  if (at === array.length) array.push(value);
  else array[at] = value;
}

function twice(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
