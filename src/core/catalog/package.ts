import type { PackageRecord } from '../setup-ini/records.ts';
import type { PackageRows } from '../setup-ini/version-table.ts';
import type { BlockVersions, CatalogVersion } from './versions.ts';

/** A package merged from all indexes. */
export interface CatalogPackage {
  readonly name: string;
  readonly sdesc: string;
  readonly ldesc: string;
  /** In reading order, without repeats regardless of case, in the first spelling; `Orphaned` without any. */
  readonly categories: readonly string[];
  /** The last `message:`; setup shows it when the package is selected. */
  readonly message?: PackageRecord['message'];
  /** Versions that the index withdraws: an installed one is replaced even by an older version. */
  readonly replaceVersions: readonly string[];
  /** All installable versions in reading order. A version number can occur once for each release label. */
  readonly versions: readonly CatalogVersion[];
}

/** Returns whether a category is in the list, without regard to case. `key` is in lower case. */
export function hasCategory(categories: readonly string[], key: string): boolean {
  for (const each of categories) if (each.length === key.length && each.toLowerCase() === key) return true;
  return false;
}

/** A package merged from its blocks. Its versions are created on first access, because a command uses few packages. */
export class MergedPackage implements CatalogPackage {
  readonly name: string;
  sdesc: string;
  ldesc: string;
  categories: readonly string[];
  declare message?: PackageRecord['message'];
  replaceVersions: readonly string[];
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
    { name, sdesc, ldesc, categories, message, replaceVersions }: PackageRecord | PackageRows,
    block: BlockVersions,
    index: number,
    firstRank: number,
    releases: readonly string[],
  ) {
    this.name = name;
    this.sdesc = sdesc;
    this.ldesc = ldesc;
    this.categories = categories;
    if (message !== undefined) this.message = message;
    this.replaceVersions = replaceVersions;
    this.#releases = releases;
    this.#block = block;
    this.#index = index;
    this.#firstRank = firstRank;
  }

  /** Merges a later block. Source: cygwin-setup IniDBBuilderPackage.cc `process`, for message and replaced versions. */
  add(later: MergedPackage): void {
    this.sdesc = later.sdesc || this.sdesc;
    this.ldesc = later.ldesc || this.ldesc;
    const fresh = later.categories.filter((category) => !hasCategory(this.categories, category.toLowerCase()));
    if (fresh.length > 0) this.categories = [...this.categories, ...fresh];
    if (later.message === undefined) delete this.message;
    else this.message = later.message;
    this.replaceVersions = later.replaceVersions;
    (this.#more ??= []).push(later);
    this.#versions = undefined;
  }

  get versions(): readonly CatalogVersion[] {
    return (this.#versions ??= this.#merged());
  }

  #merged(): readonly CatalogVersion[] {
    const blocks: readonly MergedPackage[] = [this, ...(this.#more ?? [])];
    const versions = blocks.flatMap((each) => each.#block.installable(each.#index, each.#firstRank));
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
}
