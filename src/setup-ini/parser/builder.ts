import type { DiagnosticLog } from '../diagnostics.ts';
import type { Archive, Dependency, PackageRecord, SourceArchive, Stability, VersionRecord } from '../records.ts';
import { MD5_DIGITS, SHA512_DIGITS, sha512FromBase64, type ListKey } from './lexicon.ts';
import { NO_DEPENDENCIES } from './pool.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_WORDS: readonly string[] = [];
const SOURCE_SUFFIX = '-src';

/** The rank of a section by its label without brackets. */
export function stabilityOf(section: string): Stability {
  if (section === 'curr' || section === 'prev' || section === 'test') return section;
  return section === 'exp' ? 'test' : 'other';
}

/** The name setup gives to the package that holds `name`'s sources.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageSource`. */
export function sourcePackageName(name: string): string {
  return name.length > SOURCE_SUFFIX.length && name.endsWith(SOURCE_SUFFIX) ? name : name + SOURCE_SUFFIX;
}

/** Words from any number of lines, each kept where it came first; one line, the usual case, is kept as it is. */
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

  /** `words` holds nothing twice. */
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

/** Leaves out categories that came before, perhaps in another case. Source: cygwin-setup IniDBBuilderPackage.h `categories`. */
export function distinctCategories(words: readonly string[]): readonly string[] {
  if (new Set(words.map(categoryKey)).size === words.length) return words;
  const union = new WordUnion(categoryKey);
  for (const word of words) union.add([word]);
  return union.words;
}

/** Makes package records out of the items of the grammar, with setup's rules for what carries over from one section to
 *  the next. Source: cygwin-setup IniDBBuilderPackage.cc; each method is the action of the item of that name. */
export class RecordBuilder {
  readonly #log: DiagnosticLog;
  /** Records completed and not yet taken. */
  readonly #done: PackageRecord[] = [];

  #open = false;
  #name = '';
  #line = 0;
  /** `sourcePackageName` of the package, once it was asked for. */
  #ownSource = '';
  #sdesc = '';
  #ldesc = '';
  readonly #categories = new WordUnion(categoryKey);
  readonly #replaceVersions = new WordUnion((version) => version);
  #message: PackageRecord['message'];
  /** Where the versions gather; a record gets a copy of its exact size, which keeps a large index a tenth smaller. */
  readonly #versions: VersionRecord[] = [];

  #section = 'curr';
  #stability: Stability = 'curr';
  #depends = NO_DEPENDENCIES;
  #hadProvides = false;

  #version = '';
  /** The version in force has its record already, one without a binary archive. */
  #listed = false;
  #versionLine = 0;
  #install: Archive | undefined;
  #source: SourceArchive | undefined;
  #sourceName: string | undefined;
  #obsoletes = NO_DEPENDENCIES;
  #provides = NO_DEPENDENCIES;
  #conflicts = NO_DEPENDENCIES;
  #buildDepends = NO_DEPENDENCIES;

  constructor(log: DiagnosticLog) {
    this.#log = log;
  }

  take(): PackageRecord[] {
    // A copy, since to V8 a fresh array is one of small numbers: the first record put in would undo optimized code each time.
    const done = this.#done.slice();
    this.#done.length = 0;
    return done;
  }

  startPackage(name: string, line: number): void {
    this.endPackage();
    this.#open = true;
    this.#name = name;
    this.#line = line;
    this.#ownSource = '';
    this.#sdesc = '';
    this.#ldesc = '';
    this.#categories.clear();
    this.#replaceVersions.clear();
    this.#message = undefined;
    this.#versions.length = 0;
    this.#section = 'curr';
    this.#stability = 'curr';
    this.#depends = NO_DEPENDENCIES;
    this.#hadProvides = false;
    this.#resetVersion();
  }

  /** Completes the open package, if there is one. */
  endPackage(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#commit();
    if (this.#name === '') {
      this.#log.warning('nameless-package', 'setup ignores a package with an empty name', this.#line, 1);
      return;
    }
    const record: Mutable<PackageRecord> = {
      name: this.#name,
      sdesc: this.#sdesc,
      ldesc: this.#ldesc,
      categories: this.#categories.words,
      replaceVersions: this.#replaceVersions.words,
      versions: this.#versions.slice(),
      line: this.#line,
    };
    if (this.#message !== undefined) record.message = this.#message;
    this.#done.push(record);
  }

  label(section: string): void {
    this.#commit();
    this.#section = section;
    this.#stability = stabilityOf(section);
  }

  version(version: string, line: number): void {
    this.#touch(line);
    if (this.#version !== '' && !this.#listed) {
      this.#log.warning('lost-version', 'setup forgets the `version:` above in the same section', line, 1);
    }
    this.#version = version;
    this.#listed = false;
  }

  /** "Had a digest of that kind" decides: a second `install:` line replaces path and size, but adds only a missing digest. */
  install(path: string, sizeBytes: number, digest: string, line: number): void {
    this.#touch(line);
    const fresh = archiveOf(path, sizeBytes, digest);
    const before = this.#install;
    if (before !== undefined) {
      if (before.md5 !== undefined) fresh.md5 = before.md5;
      if (before.sha512 !== undefined) fresh.sha512 = before.sha512;
    }
    this.#install = fresh;
  }

  source(path: string, sizeBytes: number, digest: string, line: number): void {
    this.#touch(line);
    this.#source = {
      packageName: this.#sourcePackage(),
      version: this.#version,
      archive: archiveOf(path, sizeBytes, digest),
    };
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

  /** `words` is `distinctCategories`. */
  categories(words: readonly string[]): void {
    this.#categories.add(words);
  }

  replaceVersions(words: readonly string[]): void {
    this.#replaceVersions.add([...new Set(words)]);
  }

  list(key: ListKey, list: readonly Dependency[], line: number): void {
    this.#touch(line);
    switch (key) {
      case 'depends':
        this.#depends = list;
        return;
      case 'obsoletes':
        this.#obsoletes = list;
        return;
      case 'provides':
        this.#provides = list;
        this.#hadProvides = true;
        return;
      case 'conflicts':
        this.#conflicts = list;
        return;
      case 'build-depends':
        this.#buildDepends = list;
        return;
      default:
        key satisfies never;
    }
  }

  #sourcePackage(): string {
    if (this.#ownSource === '') this.#ownSource = sourcePackageName(this.#name);
    return this.#ownSource;
  }

  #touch(line: number): void {
    if (this.#versionLine === 0) this.#versionLine = line;
  }

  #resetVersion(): void {
    this.#version = '';
    this.#listed = false;
    this.#versionLine = 0;
    this.#install = undefined;
    this.#source = undefined;
    this.#sourceName = undefined;
    this.#obsoletes = NO_DEPENDENCIES;
    this.#provides = NO_DEPENDENCIES;
    this.#conflicts = NO_DEPENDENCIES;
    this.#buildDepends = NO_DEPENDENCIES;
  }

  /** Ends a section. "no install: line, no package": then nothing is reset either, and the next section inherits all of it. */
  #commit(): void {
    const install = this.#install;
    if (this.#version !== '' && (install !== undefined || !this.#listed)) this.#versions.push(this.#record(install));
    if (this.#version !== '' && install !== undefined) {
      this.#resetVersion();
    } else {
      this.#listed = this.#version !== '';
      this.#versionLine = 0;
    }
  }

  #record(install: Archive | undefined): VersionRecord {
    const provides = this.#hadProvides ? this.#provides : this.#obsoletes;
    // The usual case apart, as one literal: properties added later cost memory and a quarter of the time of a whole parse.
    if (install !== undefined && this.#source !== undefined && this.#sourceName === undefined) {
      return {
        version: this.#version,
        stability: this.#stability,
        section: this.#section,
        install,
        source: this.#source,
        depends: this.#depends,
        obsoletes: this.#obsoletes,
        provides,
        conflicts: this.#conflicts,
        buildDepends: this.#buildDepends,
        line: this.#versionLine,
      };
    }
    return {
      version: this.#version,
      stability: this.#stability,
      section: this.#section,
      ...(install !== undefined && { install }),
      ...(this.#source !== undefined && { source: this.#source }),
      ...(this.#sourceName !== undefined && { sourceName: this.#sourceName }),
      depends: this.#depends,
      obsoletes: this.#obsoletes,
      provides,
      conflicts: this.#conflicts,
      buildDepends: this.#buildDepends,
      line: this.#versionLine,
    };
  }
}

function archiveOf(path: string, sizeBytes: number, digest: string): Mutable<Archive> {
  if (digest.length === MD5_DIGITS) return { path, sizeBytes, md5: digest };
  return { path, sizeBytes, sha512: digest.length === SHA512_DIGITS ? digest : sha512FromBase64(digest) };
}

