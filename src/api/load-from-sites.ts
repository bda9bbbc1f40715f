import type { Report } from '../events.ts';
import { addressOf } from '../site/index-discovery.ts';
import type { OriginalIndex } from '../site/base/original-index.ts';
import { findIndexes, openSites } from '../site/index-source.ts';
import type { SiteOptions } from '../site/open-site.ts';
import type { SiteSet } from '../site/site-set.ts';
import type { Keyring } from '../trust/keyring.ts';
import type { Verify } from '../trust/verifier.ts';
import { DEFAULTS } from './defaults.ts';
import { loadCatalog } from './load-catalog.ts';
import type { LoadedCatalog, LoadOptions, TakeRecords } from './load-catalog.ts';
import { userAgent } from './version.ts';

/** Options of reading indexes from sites without a repo. */
export interface FromSites {
  readonly siteOptions?: Partial<SiteOptions>;
  /** Default: x86_64. */
  readonly arch?: string;
  /** Files of keys to trust besides the built-in ones. */
  readonly keyring?: readonly string[];
  /** Accepts an unsigned index. */
  readonly unsigned?: boolean;
  readonly load?: LoadOptions;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Finds, verifies and reads the index of each group of sites. Throws `fetch`, `signature`, and as `loadCatalog`. */
export async function loadFromSites(
  addresses: readonly (readonly string[])[],
  {
    siteOptions = {},
    arch = DEFAULTS.arch,
    keyring = [],
    unsigned = false,
    load = {},
    report = () => {},
    signal,
  }: FromSites = {},
): Promise<SignedCatalog> {
  const groups: SiteSet[] = [];
  try {
    for (const group of addresses) groups.push(openGroup(group, siteOptions, report));
    return await loadOriginals(
      await findIndexes(groups, { arch, verify: await verifierOf(keyring), unsigned, report, signal }),
      { ...load, signal },
    );
  } finally {
    await Promise.all(groups.map((sites) => sites.close()));
  }
}

/** Opens sites with the same content, with the user agent of cygstrap. Throws `usage` for an invalid address. */
export function openGroup(addresses: readonly string[], options: Partial<SiteOptions>, report: Report): SiteSet {
  return openSites(addresses, { userAgent: userAgent(), ...options }, report);
}

/** Returns a verifier for the built-in keys and those of further files. Reads the files at once, so that their errors
 *  appear first; without files, OpenPGP is loaded with the first signature. Throws the errors of reading the files. */
export async function verifierOf(files: readonly string[]): Promise<Verify> {
  const keys = async (): Promise<Keyring> => (await import('../trust/verifier.ts')).trustedKeys(files);
  let keyring = files.length === 0 ? undefined : await keys();
  return async (bytes, signature) => {
    const { verifyDetached } = await import('../trust/verify.ts');
    keyring ??= await keys();
    return verifyDetached(bytes, signature, keyring);
  };
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
