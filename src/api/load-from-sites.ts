import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { siteAddress } from '../core/config/config.ts';
import type { SiteEntry } from '../core/config/config.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import type { Report } from '../events.ts';
import { addressOf } from '../site/index-failure.ts';
import type { OriginalIndex } from '../site/base/original-index.ts';
import { IndexCache } from '../site/index-cache.ts';
import { findIndexes, openSites } from '../site/index-source.ts';
import type { SiteOptions } from '../site/open-site.ts';
import type { SiteSet } from '../site/site-set.ts';
import { DEFAULTS } from './defaults.ts';
import { loadCatalog } from './load-catalog.ts';
import type { IndexSource, LoadedCatalog, LoadOptions, TakeRecords } from './load-catalog.ts';
import { withTrust } from './site-trust.ts';
import { userAgent } from './version.ts';

/** Options of reading indexes from sites without a repo. */
export interface FromSites {
  readonly siteOptions?: Partial<SiteOptions>;
  /** Default: x86_64. */
  readonly arch?: string;
  /** Files of keys to trust besides the built-in ones, for every site without `keys` of its own. */
  readonly keyring?: readonly string[];
  /** Accepts an unsigned index of the only group of sites. */
  readonly unsigned?: boolean;
  /** Indexes that were used before: an older one of the same signer is rejected. */
  readonly newest?: readonly NewestIndex[];
  readonly load?: LoadOptions;
  /** Keeps the indexes of remote sites for the next call; see `keepMs`. */
  readonly kept?: KeptIndexes | undefined;
  /** Current time, for the age of an index. */
  readonly now?: () => Date;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Where indexes are kept between calls. */
export interface KeptIndexes {
  /** Directory of the indexes of all sites. */
  readonly directory: string;
  /** An index that its site had within this many milliseconds is used without asking; `Infinity` never asks. */
  readonly keepMs: number;
  /** Whether a site may send an older index than the kept one. */
  readonly allowOlder: boolean;
}

/** Finds, verifies and reads the index of each group of sites. Throws `usage`, `fetch`, `signature`, `older-index`, and
 *  as `loadCatalog`. */
export async function loadFromSites(
  entries: readonly (readonly SiteEntry[])[],
  options: FromSites = {},
): Promise<SignedCatalog> {
  const { load = {}, signal } = options;
  return loadOriginals(await indexesOfSites(entries, options), { ...load, signal });
}

/** Finds and verifies the index of each group of sites. Throws as {@link loadFromSites}. */
export async function indexesOfSites(
  entries: readonly (readonly SiteEntry[])[],
  {
    siteOptions = {},
    arch = DEFAULTS.arch,
    keyring = [],
    unsigned = false,
    newest = [],
    kept,
    now = () => new Date(),
    report = () => {},
    signal,
  }: FromSites,
): Promise<OriginalIndex[]> {
  const opened: SiteSet[] = [];
  try {
    for (const group of entries) opened.push(openGroup(group, siteOptions, report));
    const groups = await withTrust(opened, entries, { keyring, unsigned });
    const cache = kept && new IndexCache(join(kept.directory, nameOf(entries)));
    const { keepMs, allowOlder } = kept ?? {};
    return await findIndexes(groups, { arch, newest, report, cache, keepMs, allowOlder, now, signal });
  } finally {
    await Promise.all(opened.map((sites) => sites.close()));
  }
}

/** Returns the name of the directory for the indexes of some sites. */
function nameOf(entries: readonly (readonly SiteEntry[])[]): string {
  const addresses = entries.map((group) => group.map(siteAddress));
  return createHash('sha256').update(JSON.stringify(addresses)).digest('hex').slice(0, 32);
}

/** Opens sites with the same content, with the user agent of cygstrap. Throws `usage` for an invalid address. */
export function openGroup(sites: readonly SiteEntry[], options: Partial<SiteOptions>, report: Report): SiteSet {
  return openSites(sites.map(siteAddress), { userAgent: userAgent(), ...options }, report);
}

/** A catalog with the signers of its indexes. */
export interface SignedCatalog {
  readonly loaded: LoadedCatalog;
  readonly signers: readonly string[];
}

/** Reads the catalog of verified indexes. Throws as `loadCatalog`. */
export async function loadOriginals(
  indexes: readonly OriginalIndex[],
  options: LoadOptions,
  take?: TakeRecords,
): Promise<SignedCatalog> {
  return {
    loaded: await loadCatalog(indexes.map(sourceOf), options, take),
    signers: indexes.map(({ signer }) => signer),
  };
}

/** Returns an index as a source to read, named by its address. */
export function sourceOf({ site, path, bytes }: OriginalIndex): Exclude<IndexSource, string> {
  return { name: addressOf(site, path), bytes };
}
