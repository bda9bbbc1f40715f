import type { DiagnosticLog } from '../diagnostics.ts';
import type { Archive, PackageBlock } from '../records.ts';
import { NO_ARCHIVE, NO_TEXT, type ArchiveNumber, type TextNumber } from '../text-table.ts';
import type { Row, VersionTable } from '../version-table.ts';
import { MD5_DIGITS, SHA512_DIGITS, sha512FromBase64, type ListKey } from '../lexicon.ts';
import { NO_LIST, type DependencyList } from '../pool.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_WORDS: readonly string[] = [];

/** Union of the words of several lines, in the order of first occurrence. A single line, the usual case, is not copied.
 */
class WordUnion {
  readonly #keyOf: (word: string) => string;
  #line = NO_WORDS;
  #all: Map<string, string> | undefined;

  constructor(keyOf: (word: string) => string) {
    this.#keyOf = keyOf;
  }

  clear(): void {
    this.#line = NO_WORDS;
    this.#all = undefined;
  }

  /** Adds the words of a line; `words` has no repeats. */
  add(words: readonly string[]): void {
    if (this.#all === undefined && this.#line.length === 0) {
      this.#line = words;
      return;
    }
    this.#all ??= new Map(this.#line.map((word) => [this.#keyOf(word), word]));
    for (const word of words) {
      const key = this.#keyOf(word);
      if (!this.#all.has(key)) this.#all.set(key, word);
    }
  }

  get words(): readonly string[] {
    return this.#all === undefined ? this.#line : [...this.#all.values()];
  }
}

function categoryKey(category: string): string {
  return category.toLowerCase();
}

/** Returns the categories without repeats, compared without regard to case. Source: cygwin-setup IniDBBuilderPackage.h
 *  `categories`. */
export function distinctCategories(words: readonly string[]): readonly string[] {
  if (new Set(words.map(categoryKey)).size === words.length) return words;
  const union = new WordUnion(categoryKey);
  for (const word of words) union.add([word]);
  return union.words;
}

/** Returns the versions of a package from the rows from `start` to the end of the table. */
export type VersionsFrom<V> = (start: Row, packageName: string) => V;

/** Builds packages and version rows from items, with setup's rules for values that a section inherits from the one
 *  above. Source: cygwin-setup IniDBBuilderPackage.cc; each method is the action of the item of that name. */
export class RecordBuilder<V = unknown> {
  readonly #log: DiagnosticLog;
  readonly #table: VersionTable;
  readonly #versionsFrom: VersionsFrom<V>;
  /** Completed packages that `take` has not returned yet. */
  readonly #done: PackageBlock<V>[] = [];

  #open = false;
  #name = '';
  #line = 0;
  #sdesc = '';
  #ldesc = '';
  readonly #categories = new WordUnion(categoryKey);
  readonly #replaceVersions = new WordUnion((version) => version);
  #message: PackageBlock<V>['message'];
  #start: Row = 0;

  #section = NO_TEXT;
  #depends = NO_LIST;
  #hadProvides = false;

  #version = NO_TEXT;
  /** The current version has a row already, without a binary archive. */
  #listed = false;
  #versionLine = 0;
  #install: ArchiveNumber = NO_ARCHIVE;
  #source: ArchiveNumber = NO_ARCHIVE;
  /** The current version at the `source:` line. */
  #sourceVersion = NO_TEXT;
  #sourceName: string | undefined;
  #obsoletes = NO_LIST.entries;
  #provides = NO_LIST.entries;
  #conflicts = NO_LIST.entries;
  #buildDepends = NO_LIST;

  constructor(log: DiagnosticLog, table: VersionTable, versionsFrom: VersionsFrom<V>) {
    this.#log = log;
    this.#table = table;
    this.#versionsFrom = versionsFrom;
  }

  /** Returns the completed packages and removes them. */
  take(): PackageBlock<V>[] {
    // A copy: V8 would specialize a new empty array for small integers and discard optimized code at the first record.
    const done = this.#done.slice();
    this.#done.length = 0;
    return done;
  }

  startPackage(name: string, line: number): void {
    this.endPackage();
    this.#open = true;
    this.#name = name;
    this.#line = line;
    this.#sdesc = '';
    this.#ldesc = '';
    this.#categories.clear();
    this.#replaceVersions.clear();
    this.#message = undefined;
    this.#start = this.#table.count;
    this.#section = NO_TEXT;
    this.#depends = NO_LIST;
    this.#hadProvides = false;
    this.#resetVersion();
  }

  /** Completes the open package, if any. */
  endPackage(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#commit();
    if (this.#name === '') {
      this.#log.warning('nameless-package', 'setup ignores a package with an empty name', this.#line, 1);
      this.#table.cut(this.#start);
      return;
    }
    const block: Mutable<PackageBlock<V>> = {
      name: this.#name,
      sdesc: this.#sdesc,
      ldesc: this.#ldesc,
      categories: this.#categories.words,
      replaceVersions: this.#replaceVersions.words,
      versions: this.#versionsFrom(this.#start, this.#name),
      line: this.#line,
    };
    if (this.#message !== undefined) block.message = this.#message;
    this.#done.push(block);
  }

  /** Starts a section; `section` is its label in the table. */
  label(section: TextNumber): void {
    this.#commit();
    this.#section = section;
  }

  /** Sets the version, a text of the table. */
  version(version: TextNumber, line: number): void {
    this.#touch(line);
    if (this.#version !== NO_TEXT && !this.#listed) {
      this.#log.warning('lost-version', 'setup replaces the `version:` above in the same section', line, 1);
    }
    this.#version = version;
    this.#listed = false;
  }

  /** Sets the binary archive. A second `install:` line replaces path and size, but adds a digest only of a missing
   *  kind. */
  install(path: string, sizeBytes: number, digest: string, line: number): void {
    this.#touch(line);
    const fresh = archiveOf(path, sizeBytes, digest);
    if (this.#install !== NO_ARCHIVE) {
      const before = this.#table.texts.archive(this.#install);
      if (before.md5 !== undefined) fresh.md5 = before.md5;
      if (before.sha512 !== undefined) fresh.sha512 = before.sha512;
    }
    this.#install = this.#table.texts.addOtherArchive(fresh);
  }

  /** Sets a binary archive that is in the table already. */
  installAt(archive: ArchiveNumber, line: number): void {
    if (this.#install !== NO_ARCHIVE) {
      const { path, sizeBytes, md5, sha512 } = this.#table.texts.archive(archive);
      this.install(path, sizeBytes, md5 ?? sha512 ?? '', line);
      return;
    }
    this.#touch(line);
    this.#install = archive;
  }

  source(path: string, sizeBytes: number, digest: string, line: number): void {
    this.sourceAt(this.#table.texts.addOtherArchive(archiveOf(path, sizeBytes, digest)), line);
  }

  sourceAt(archive: ArchiveNumber, line: number): void {
    this.#touch(line);
    this.#source = archive;
    this.#sourceVersion = this.#version;
    this.#sourceName = undefined;
  }

  sourceName(name: string, line: number): void {
    this.#touch(line);
    this.#sourceName = name;
  }

  sdesc(text: string): void {
    this.#sdesc = text;
  }

  ldesc(text: string): void {
    this.#ldesc = text;
  }

  message(id: string, text: string): void {
    this.#message = { id, text };
  }

  /** Adds categories; `words` is a result of `distinctCategories`. */
  categories(words: readonly string[]): void {
    this.#categories.add(words);
  }

  replaceVersions(words: readonly string[]): void {
    this.#replaceVersions.add([...new Set(words)]);
  }

  list(key: ListKey, list: DependencyList, line: number): void {
    this.#touch(line);
    switch (key) {
      case 'depends':
        this.#depends = list;
        return;
      case 'obsoletes':
        this.#obsoletes = list.entries;
        return;
      case 'provides':
        this.#provides = list.entries;
        this.#hadProvides = true;
        return;
      case 'conflicts':
        this.#conflicts = list.entries;
        return;
      case 'build-depends':
        this.#buildDepends = list;
        return;
      default:
        key satisfies never;
    }
  }

  #touch(line: number): void {
    if (this.#versionLine === 0) this.#versionLine = line;
  }

  #resetVersion(): void {
    this.#version = NO_TEXT;
    this.#listed = false;
    this.#versionLine = 0;
    this.#install = NO_ARCHIVE;
    this.#source = NO_ARCHIVE;
    this.#sourceName = undefined;
    this.#obsoletes = NO_LIST.entries;
    this.#provides = NO_LIST.entries;
    this.#conflicts = NO_LIST.entries;
    this.#buildDepends = NO_LIST;
  }

  /** Ends a section. "no install: line, no package": without an archive the next section inherits all values. */
  #commit(): void {
    const hasVersion = this.#version !== NO_TEXT;
    const isInstallable = this.#install !== NO_ARCHIVE;
    if (hasVersion && (isInstallable || !this.#listed)) this.#addRow();
    if (hasVersion && isInstallable) {
      this.#resetVersion();
    } else {
      this.#listed = hasVersion;
      this.#versionLine = 0;
    }
  }

  #addRow(): void {
    const table = this.#table;
    const row = table.add(this.#version, this.#section, this.#versionLine, this.#install, this.#source);
    table.setLists(row, this.#depends, this.#buildDepends);
    const obsoletes = this.#obsoletes;
    const provides = this.#hadProvides ? this.#provides : obsoletes;
    const conflicts = this.#conflicts;
    if (obsoletes.length + provides.length + conflicts.length > 0)
      table.setRareLists(row, { obsoletes, provides, conflicts });
    if (this.#source !== NO_ARCHIVE && this.#sourceVersion !== this.#version)
      table.setSourceVersion(row, table.texts.text(this.#sourceVersion));
    if (this.#sourceName !== undefined) table.setSourceName(row, this.#sourceName);
  }
}

function archiveOf(path: string, sizeBytes: number, digest: string): Mutable<Archive> {
  if (digest.length === MD5_DIGITS) return { path, sizeBytes, md5: digest };
  return { path, sizeBytes, sha512: digest.length === SHA512_DIGITS ? digest : sha512FromBase64(digest) };
}
