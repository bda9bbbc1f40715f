import type { Archive, Dependency, IndexHeader, PackageRecord, Stability } from '../setup-ini/records.ts';
import type { PackageRows } from '../setup-ini/version-table.ts';
import { sourcePackageName } from '../setup-ini/records.ts';
import { compareVersions } from '../version/compare.ts';
import { MergedPackage, hasCategory, type CatalogPackage } from './package.ts';
import { blockVersions, type BlockVersions, type CatalogVersion } from './versions.ts';

/** One index: its name for messages, its header and its records in reading order. */
export interface IndexContent {
  readonly name: string;
  readonly header: IndexHeader;
  readonly records: Iterable<PackageRecord>;
}

export interface SourceVersion {
  readonly name: string;
  readonly version: string;
  readonly archive: Archive;
  readonly stability: Stability;
  /** Of the record with the `source:` line. */
  readonly buildDepends: readonly Dependency[];
  readonly index: number;
}

/** Packages of several indexes, with lookup by name, provided name, obsoleted name, category and source.
 *
 *  Records of one package are merged: versions and categories are united, and the later description is used. Of a
 *  version under the same `release:` label, the later record replaces the earlier. Under different labels both stay:
 *  `name=version` selects the later one, a free choice the earlier one. Source: cygwin-setup package_meta.cc
 *  `add_version`, IniDBBuilderPackage.cc. */
export class Catalog {
  readonly headers: readonly IndexHeader[];
  readonly indexNames: readonly string[];
  readonly packages: ReadonlyMap<string, CatalogPackage>;
  /** One past the highest rank. */
  readonly rankEnd: number;
  /** Versions of every package block of each index, in reading order. */
  readonly #blocks: readonly (readonly BlockVersions[])[];
  #sources: Map<string, SourceVersion[]> | undefined;
  /** Packages with a version that provides or obsoletes a name; few. */
  readonly #providing: readonly CatalogPackage[];
  #provided: Map<string, CatalogVersion[]> | undefined;
  #obsoleted: Map<string, CatalogVersion[]> | undefined;
  readonly #members = new Map<string, readonly CatalogPackage[]>();

  /** Merges indexes in the given order, in linear time. */
  static build(indexes: readonly IndexContent[]): Catalog {
    const builder = new CatalogBuilder();
    for (const index of indexes) {
      for (const record of index.records) builder.add(record, index.header.release);
      builder.endIndex(index.name, index.header);
    }
    return builder.finish();
  }

  /** Use {@link Catalog.build} or {@link CatalogBuilder}.
   *  @internal */
  constructor(parts: {
    headers: readonly IndexHeader[];
    indexNames: readonly string[];
    packages: ReadonlyMap<string, CatalogPackage>;
    rankEnd: number;
    blocks: readonly (readonly BlockVersions[])[];
    providing: readonly CatalogPackage[];
  }) {
    this.headers = parts.headers;
    this.indexNames = parts.indexNames;
    this.packages = parts.packages;
    this.rankEnd = parts.rankEnd;
    this.#blocks = parts.blocks;
    this.#providing = parts.providing;
  }

  /** Returns a new array of all installable versions by ascending rank. */
  versions(): CatalogVersion[] {
    return byRank([...this.packages.values()]);
  }

  /** Returns the versions that provide `name` with a `provides:` line or by obsoleting it, by rank; without the package
   *  `name` itself. */
  providersOf(name: string): readonly CatalogVersion[] {
    this.#provided ??= this.#invert((version) => version.provides);
    return this.#provided.get(name) ?? [];
  }

  /** Returns the versions that obsolete a package name with any version criterion, by rank. */
  obsoletersOf(name: string): readonly CatalogVersion[] {
    this.#obsoleted ??= this.#invert((version) => version.obsoletes);
    return this.#obsoleted.get(name) ?? [];
  }

  #invert(listOf: (version: CatalogVersion) => readonly Dependency[]): Map<string, CatalogVersion[]> {
    const map = new Map<string, CatalogVersion[]>();
    for (const version of byRank(this.#providing)) {
      for (const { name } of listOf(version)) {
        const entry = map.get(name);
        if (entry === undefined) map.set(name, [version]);
        else if (entry.at(-1) !== version) entry.push(version);
      }
    }
    return map;
  }

  /** Returns the category names in their first spelling, in byte order, without `All`. */
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

  /** Returns the packages of a category in reading order, without regard to case; `All` contains every package. */
  category(name: string): readonly CatalogPackage[] {
    const key = name.toLowerCase();
    let members = this.#members.get(key);
    if (members === undefined) {
      members = [...this.packages.values()];
      if (key !== 'all') members = members.filter((pkg) => hasCategory(pkg.categories, key));
      this.#members.set(key, members);
    }
    return members;
  }

  /** Returns a version of a source package, or undefined when no index lists it. */
  source(name: string, version: string): SourceVersion | undefined {
    this.#sources ??= this.#collectSources();
    return this.#sources.get(name)?.findLast((each) => each.version === version);
  }

  #collectSources(): Map<string, SourceVersion[]> {
    const sources = new Map<string, SourceVersion[]>();
    for (const [index, lists] of this.#blocks.entries()) {
      for (const block of lists) {
        for (const { source, stability, buildDepends } of block.sources()) {
          const { packageName, version, archive } = source;
          const each: SourceVersion = { name: packageName, version, archive, stability, buildDepends, index };
          const known = sources.get(packageName);
          if (known === undefined) sources.set(packageName, [each]);
          else known.push(each);
        }
      }
    }
    return sources;
  }

  /** Returns the source of a binary version: the same version of the source package that its `Source:` line names, else
   *  the archive of its `source:` line. */
  sourceOf(version: CatalogVersion): SourceVersion | undefined {
    const { source, sourceName, version: number } = version.record;
    const named = sourceName === undefined ? undefined : this.source(sourceName, number);
    return named ?? (source === undefined ? undefined : this.source(source.packageName, source.version));
  }

  /** Returns what is needed to build a package: the list of its current binary version, else the list of a record that
   *  has the same source. Without a binary package, the list of the current version of the source package `name` or
   *  `name`-src. Returns undefined if there is neither a package nor a source package of that name.
   *
   *  An index of 2025 has the list in the record of each binary package; one of 2026 has it in a record NAME-src, which
   *  has a `source:` line and no `install:` line. Setup makes a source package of every `source:` line and gives it
   *  only the `build-depends:` line above. Here the line below counts as well, because both kinds of index have it
   *  there. Records have the same source if its package name or its path is the same: setup ignores the `srcpkg:` line
   *  that names the record. Source: cygwin-setup choose.cc `applyCommandLinePackageSelection` @3b156c2 (looks up
   *  NAME-src, then the source of the binary package NAME), IniDBBuilderPackage.cc `buildPackageSource` @00a32d4. */
  buildDependsOf(name: string): readonly Dependency[] | undefined {
    const pkg = this.packages.get(name);
    const binary = pkg === undefined ? undefined : this.current(pkg);
    if (binary !== undefined && binary.record.buildDepends.length > 0) return binary.record.buildDepends;
    this.#sources ??= this.#collectSources();
    const source =
      binary === undefined ? currentOf(this.#sources.get(sourcePackageName(name)) ?? []) : this.sourceOf(binary);
    if (source === undefined) return binary?.record.buildDepends;
    const isSame = (each: SourceVersion): boolean =>
      each.version === source.version && (each.name === source.name || each.archive.path === source.archive.path);
    const lists = [...this.#sources.values()].flat().filter((each) => each.buildDepends.length > 0);
    return lists.findLast(isSame)?.buildDepends ?? [];
  }

  /** Returns the version selected by `name=version`. */
  find(name: string, version: string): CatalogVersion | undefined {
    // Setup stores the versions of a package in an ordered set: 1.05 is dropped after an equal 1.5. Of the same text
    // under two release labels, the later version replaces the earlier.
    const listed: CatalogVersion[] = [];
    for (const candidate of this.packages.get(name)?.versions ?? []) {
      const same = listed.findIndex(({ version: each }) => each === candidate.version);
      if (same >= 0) listed[same] = candidate;
      else if (!listed.some(({ version: each }) => compareVersions(each, candidate.version) === 0))
        listed.push(candidate);
    }
    return listed.find(({ version: each }) => each === version);
  }

  /** Returns the highest version of stability curr, else the highest that is not test, else the highest. */
  current(pkg: CatalogPackage): CatalogVersion | undefined {
    return currentOf(pkg.versions);
  }
}

function byRank(packages: readonly CatalogPackage[]): CatalogVersion[] {
  return packages.flatMap(({ versions }) => versions).sort((a, b) => a.rank - b.rank);
}

interface Ranked {
  readonly version: string;
  readonly stability: Stability;
}

function currentOf<V extends Ranked>(versions: readonly V[]): V | undefined {
  return (
    highest(versions.filter(({ stability }) => stability === 'curr')) ??
    highest(versions.filter(({ stability }) => stability !== 'test')) ??
    highest(versions)
  );
}

function highest<V extends Ranked>(versions: readonly V[]): V | undefined {
  let best: V | undefined;
  for (const candidate of versions) {
    if (best === undefined || compareVersions(candidate.version, best.version) >= 0) best = candidate;
  }
  return best;
}

const NO_CATEGORY: readonly string[] = ['Orphaned'];

/** Builds a catalog from parsed packages: records or, faster, rows. See {@link Catalog} for the merge rules. */
export class CatalogBuilder {
  readonly #headers: IndexHeader[] = [];
  readonly #indexNames: string[] = [];
  readonly #packages = new Map<string, MergedPackage>();
  readonly #blocks: BlockVersions[][] = [];
  readonly #providing = new Set<MergedPackage>();
  #nextRank = 0;
  /** Release label of each index; the last value passed to `add`. */
  readonly #releases: string[] = [];

  /** Adds a package of the current index. `release` is the `release:` label of the index, or empty. */
  add(pkg: PackageRecord | PackageRows, release = ''): void {
    const index = this.#headers.length;
    this.#releases[index] = release;
    const block = blockVersions(pkg);
    (this.#blocks[index] ??= []).push(block);
    if (block.installableCount === 0) return;
    const merged = new MergedPackage(pkg, block, index, this.#nextRank, this.#releases);
    this.#nextRank += block.installableCount;
    const known = this.#packages.get(merged.name);
    if (known === undefined) this.#packages.set(merged.name, merged);
    else known.add(merged);
    if (block.isProviding) this.#providing.add(known ?? merged);
  }

  /** Closes the current index. */
  endIndex(name: string, header: IndexHeader): void {
    this.#blocks[this.#headers.length] ??= [];
    this.#headers.push(header);
    this.#indexNames.push(name);
  }

  finish(): Catalog {
    for (const pkg of this.#packages.values()) if (pkg.categories.length === 0) pkg.categories = NO_CATEGORY;
    return new Catalog({
      headers: this.#headers,
      indexNames: this.#indexNames,
      packages: this.#packages,
      rankEnd: this.#nextRank,
      blocks: this.#blocks,
      providing: [...this.#providing],
    });
  }
}
