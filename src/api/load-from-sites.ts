import { siteAddress } from '../core/config/config.ts';
import type { SiteEntry } from '../core/config/config.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import type { Report } from '../events.ts';
import { addressOf } from '../site/index-failure.ts';
import type { OriginalIndex } from '../site/base/original-index.ts';
import { findIndexes, openSites } from '../site/index-source.ts';
import type { SiteOptions } from '../site/open-site.ts';
import type { SiteSet } from '../site/site-set.ts';
import { DEFAULTS } from './defaults.ts';
import { loadCatalog } from './load-catalog.ts';
import type { LoadedCatalog, LoadOptions, TakeRecords } from './load-catalog.ts';
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
  /** Current time, for the age of an index. */
  readonly now?: () => Date;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Finds, verifies and reads the index of each group of sites. Throws `usage`, `fetch`, `signature`, `older-index`, and
 *  as `loadCatalog`. */
export async function loadFromSites(
  entries: readonly (readonly SiteEntry[])[],
  {
    siteOptions = {},
    arch = DEFAULTS.arch,
    keyring = [],
    unsigned = false,
    newest = [],
    load = {},
    now = () => new Date(),
    report = () => {},
    signal,
  }: FromSites = {},
): Promise<SignedCatalog> {
  const opened: SiteSet[] = [];
  try {
    for (const group of entries) opened.push(openGroup(group, siteOptions, report));
    const groups = await withTrust(opened, entries, { keyring, unsigned });
    return await loadOriginals(await findIndexes(groups, { arch, newest, report, now, signal }), { ...load, signal });
  } finally {
    await Promise.all(opened.map((sites) => sites.close()));
  }
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
  const sources = indexes.map(({ site, path, bytes }) => ({ name: addressOf(site, path), bytes }));
  return { loaded: await loadCatalog(sources, options, take), signers: indexes.map(({ signer }) => signer) };
}
