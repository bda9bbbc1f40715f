/** Operator of a version criterion. `<<` and `>>` in the index are read as `<` and `>`. */
export type Operator = '=' | '<' | '>' | '<=' | '>=';

/** One entry of a dependency list: a package name, optionally with a criterion on its version. The name
 *  `_self-destruct` is read as `libsolv-self-destruct-pkg()`, a name that no package can have. Setup does the same. */
export interface Dependency {
  readonly name: string;
  /** Present exactly when `version` is present. */
  readonly op?: Operator;
  readonly version?: string;
}

/** One file of a repo, as listed by the index. */
export interface Archive {
  /** As written in the index, relative to the site; untrusted until checked (see `pathFaults`). */
  readonly path: string;
  /** Result of setup's atoi(): digits up to the first other character, wrapped to 32 bits; can be negative. */
  readonly sizeBytes: number;
  /** 128 lower-case hexadecimal digits, also for base64url in the index. */
  readonly sha512?: string;
  /** 32 lower-case hexadecimal digits. */
  readonly md5?: string;
}

/** Stability of a section in setup: `[exp]` is `test`, an unknown label is `other`. */
export type Stability = 'curr' | 'prev' | 'test' | 'other';

/** Returns the stability of a section by its label without brackets. */
export function stabilityOf(section: string): Stability {
  if (section === 'curr' || section === 'prev' || section === 'test') return section;
  return section === 'exp' ? 'test' : 'other';
}

/** The archive of a `source:` line. It belongs to a source package, named after the binary package. */
export interface SourceArchive {
  /** NAME-src, or NAME if it ends in -src. */
  readonly packageName: string;
  /** The current version at the `source:` line. */
  readonly version: string;
  readonly archive: Archive;
}

const SOURCE_SUFFIX = '-src';

/** Returns the name of the source package of `name`.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageSource`. */
export function sourcePackageName(name: string): string {
  return name.length > SOURCE_SUFFIX.length && name.endsWith(SOURCE_SUFFIX) ? name : name + SOURCE_SUFFIX;
}

/** One version of a package, including all values inherited from the sections above. */
export interface VersionRecord {
  readonly version: string;
  readonly stability: Stability;
  /** The label without brackets: curr, prev, test, exp, or any other word. */
  readonly section: string;
  /** Absent when the index lists no binary archive. Setup then ignores the version, except for its source. */
  readonly install?: Archive;
  readonly source?: SourceArchive;
  /** Name of the source package from a `Source:` line, unless a `source:` line follows it. Takes precedence over
   *  `source`: the sources are those of the named package with the same version. */
  readonly sourceName?: string;
  /** Without repeats, like the lists below. Equal lists may be the same array. */
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  /** Provided names besides the package name. Without a `provides:` line in the package so far, a version provides the
   *  names that it obsoletes. */
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly buildDepends: readonly Dependency[];
  /** Line of the first key of the version, from 1. */
  readonly line: number;
}

/** One `@` block with its versions as `V`. */
export interface PackageBlock<V> {
  readonly name: string;
  /** The last one in the block, or empty; likewise `ldesc`. */
  readonly sdesc: string;
  readonly ldesc: string;
  /** In the order of the index, without repeats regardless of case. */
  readonly categories: readonly string[];
  readonly message?: { readonly id: string; readonly text: string };
  readonly replaceVersions: readonly string[];
  /** In the order of the index. */
  readonly versions: V;
  /** Line of the `@`, from 1. */
  readonly line: number;
}

/** One `@` block with version records. The catalog merges several blocks of one package. */
export type PackageRecord = PackageBlock<readonly VersionRecord[]>;

/** Header lines of an index; all optional. */
export interface IndexHeader {
  readonly release?: string;
  readonly arch?: string;
  readonly setupTimestamp?: number;
  readonly setupVersion?: string;
  readonly setupMinimumVersion?: string;
}

/** Name in a `provides:` list that marks a package without files: setup installs only its requirements. */
export const SELF_DESTRUCT_WRITTEN = '_self-destruct';

/** Name that setup substitutes for it in every dependency list; no package can have this name.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageListNode`. */
export const SELF_DESTRUCT_READ = 'libsolv-self-destruct-pkg()';
