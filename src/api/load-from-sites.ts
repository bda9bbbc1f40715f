import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { siteAddress } from '../core/config/config.ts';
import type { SiteEntry } from '../core/config/config.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import { addressOf } from '../site/index-failure.ts';
import type { OriginalIndex } from '../site/base/original-index.ts';
import { IndexCache } from '../site/index-cache.ts';
import { findIndexes, openSites } from '../site/index-source.ts';
import type { SiteSet } from '../site/site-set.ts';
import { cacheDirectoryOf, connectionsOf } from './context.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { loadCatalog } from './load-catalog.ts';
import type { IndexSource, LoadedCatalog, LoadOptions, TakeRecords } from './load-catalog.ts';
import { groupsOf } from './site-groups.ts';
import type { SiteFields } from './site-groups.ts';
import { withTrust } from './site-trust.ts';
import { userAgent } from './version.ts';

/** The indexes to read from sites. */
export interface IndexRequest extends SiteFields {
  /** Architecture. Default: x86_64. */
  readonly arch?: string | undefined;
  /** Files of keys to trust besides the built-in ones, for every site without `keys` of its own. */
  readonly keyring?: readonly string[] | undefined;
  /** Accepts an unsigned index of the only group of sites. Default: false. */
  readonly unsigned?: boolean | undefined;
  /** Indexes that were used before: an older one of the same signer is rejected. */
  readonly newest?: readonly NewestIndex[] | undefined;
  /** Accepts an index that is older than the cached one. Default: false. */
  readonly allowOlderIndex?: boolean | undefined;
  /** Uses the cached index; never asks the site. Default: the site is asked once an hour. */
  readonly offline?: boolean | undefined;
  /** Asks the site also within an hour. Default: false. */
  readonly refresh?: boolean | undefined;
}

/** How long a cached index is used before its site is asked again. */
const KEEP_MS = 3_600_000;

/** Finds, verifies and reads the index of each group of sites. Throws `usage`, `fetch`, `signature`, `older-index`, and
 *  as `loadCatalog`. */
export async function loadFromSites(request: IndexRequest = {}, context: SiteContext = {}): Promise<SignedCatalog> {
  return loadOriginals(await indexesOfSites(request, context), context);
}

/** Finds and verifies the index of each group of sites. Throws as {@link loadFromSites}. */
export async function indexesOfSites(request: IndexRequest, context: SiteContext): Promise<OriginalIndex[]> {
  const { arch = DEFAULTS.arch, keyring = [], unsigned = false, newest = [], offline, refresh } = request;
  const { now = () => new Date(), report = () => {}, signal } = context;
  const entries = groupsOf(request);
  const opened: SiteSet[] = [];
  try {
    for (const group of entries) opened.push(openGroup(group, context, { offline }));
    const groups = await withTrust(opened, entries, { keyring, unsigned });
    const cache = keptIndexes(entries, context);
    const keepMs = offline === true ? Infinity : refresh === true ? -1 : KEEP_MS;
    const allowOlder = request.allowOlderIndex === true;
    return await findIndexes(groups, { arch, newest, report, cache, keepMs, allowOlder, now, signal });
  } finally {
    await Promise.all(opened.map((sites) => sites.close()));
  }
}

/** Returns the indexes of groups of sites that earlier operations have kept; undefined without a cache directory. */
export function keptIndexes(groups: readonly (readonly SiteEntry[])[], context: SiteContext): IndexCache | undefined {
  const directory = cacheDirectoryOf(context, 'sites');
  return directory === undefined ? undefined : new IndexCache(join(directory, nameOf(groups)));
}

/** Returns the name of the directory for the indexes of some sites. */
function nameOf(entries: readonly (readonly SiteEntry[])[]): string {
  const addresses = entries.map((group) => group.map(siteAddress));
  return createHash('sha256').update(JSON.stringify(addresses)).digest('hex').slice(0, 32);
}

/** Opens sites with the same content, with the user agent of cygstrap. `offline`: refuses every request to a remote
 *  site. Throws `usage` for an invalid address. */
export function openGroup(
  sites: readonly SiteEntry[],
  context: SiteContext,
  { offline }: Pick<IndexRequest, 'offline'> = {},
): SiteSet {
  const { report = () => {} } = context;
  return openSites(sites.map(siteAddress), { userAgent: userAgent(), ...connectionsOf(context), offline }, report);
}

/** A catalog with the signers of its indexes. */
export interface SignedCatalog extends LoadedCatalog {
  /** Fingerprint of the signer of each index, or `unsigned`. */
  readonly signers: readonly string[];
}

/** Reads the catalog of verified indexes. Throws as `loadCatalog`. */
export async function loadOriginals(
  indexes: readonly OriginalIndex[],
  options: LoadOptions,
  take?: TakeRecords,
): Promise<SignedCatalog> {
  return { ...(await loadCatalog(indexes.map(sourceOf), options, take)), signers: indexes.map(({ signer }) => signer) };
}

/** Returns an index as a source to read, named by its address. */
export function sourceOf({ site, path, bytes }: OriginalIndex): Exclude<IndexSource, string> {
  return { name: addressOf(site, path), bytes };
}
