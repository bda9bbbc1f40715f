/** Comparison in a version criterion; `<<` and `>>` of the text are `<` and `>` here. */
export type Operator = '=' | '<' | '>' | '<=' | '>=';

/** One entry of a dependency list: a package name, perhaps with a criterion on its version. The name `_self-destruct` is
 *  read as `libsolv-self-destruct-pkg()`, which setup makes of it so that nothing can have it. */
export interface Dependency {
  readonly name: string;
  /** Both or neither of `op` and `version` are there. */
  readonly op?: Operator;
  readonly version?: string;
}

/** One file of a repo as the index lists it. */
export interface Archive {
  /** As written in the index, relative to the site; hostile until checked (see `pathFaults`). */
  readonly path: string;
  /** What setup's atoi() makes of the text: digits up to the first other character, wrapped to 32 bits, so it can be negative. */
  readonly sizeBytes: number;
  /** 128 lower-case hexadecimal digits, also when the index wrote base64url. */
  readonly sha512?: string;
  /** 32 lower-case hexadecimal digits. */
  readonly md5?: string;
}

/** How setup ranks a section: `[exp]` is test, an unknown label is other. */
export type Stability = 'curr' | 'prev' | 'test' | 'other';

/** The rank of a section by its label without brackets. */
export function stabilityOf(section: string): Stability {
  if (section === 'curr' || section === 'prev' || section === 'test') return section;
  return section === 'exp' ? 'test' : 'other';
}

/** The archive a `source:` line names. It belongs to a package of its own, named after the binary one. */
export interface SourceArchive {
  /** NAME-src, or NAME when that already ends in -src. */
  readonly packageName: string;
  /** The version in force when the `source:` line was read. */
  readonly version: string;
  readonly archive: Archive;
}

const SOURCE_SUFFIX = '-src';

/** The name setup gives to the package that holds `name`'s sources.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageSource`. */
export function sourcePackageName(name: string): string {
  return name.length > SOURCE_SUFFIX.length && name.endsWith(SOURCE_SUFFIX) ? name : name + SOURCE_SUFFIX;
}

/** One release of a package, with everything that setup carries over from the sections above already in place. */
export interface VersionRecord {
  readonly version: string;
  readonly stability: Stability;
  /** The label as written, without brackets: curr, prev, test, exp, or any other word. */
  readonly section: string;
  /** Absent: the index lists no binary archive, and setup does not see this version (only its source). */
  readonly install?: Archive;
  readonly source?: SourceArchive;
  /** The source package a `Source:` line names, unless a `source:` line follows it. It wins over `source`: the sources are
   *  those of that package with this same version. */
  readonly sourceName?: string;
  /** This list and those below hold each entry once; equal lists may be the same array. */
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  /** What the version provides besides its own name, with the implied ones: without any `provides:` line in the
   *  package so far, a version provides what it obsoletes. */
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly buildDepends: readonly Dependency[];
  /** Line of the version's first key in the index, from 1. */
  readonly line: number;
}

/** One `@` block, with its versions as `V`. */
export interface PackageBlock<V> {
  readonly name: string;
  /** The last one of the block; empty when there is none, like `ldesc`. */
  readonly sdesc: string;
  readonly ldesc: string;
  /** In the order of the index, each once without regard to case. */
  readonly categories: readonly string[];
  readonly message?: { readonly id: string; readonly text: string };
  readonly replaceVersions: readonly string[];
  /** In the order of the index. */
  readonly versions: V;
  /** Line of the `@`, from 1. */
  readonly line: number;
}

/** One `@` block. A package may have several in one index; the catalog merges them. */
export type PackageRecord = PackageBlock<readonly VersionRecord[]>;

/** The lines above the first package; all optional. */
export interface IndexHeader {
  readonly release?: string;
  readonly arch?: string;
  readonly setupTimestamp?: number;
  readonly setupVersion?: string;
  readonly setupMinimumVersion?: string;
}

/** What an index writes in a `provides:` list to say that the package installs to nothing but its requirements. */
export const SELF_DESTRUCT_WRITTEN = '_self-destruct';

/** What setup makes of that name in any dependency list: a name nothing can be called.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageListNode`. */
export const SELF_DESTRUCT_READ = 'libsolv-self-destruct-pkg()';
