import type { Report } from '../events.ts';
import { findIndex } from '../site/index-discovery.ts';
import type { SignatureAnswer } from '../site/index-discovery.ts';
import { openSite } from '../site/open-site.ts';
import type { SiteOptions } from '../site/open-site.ts';
import { SiteSet } from '../site/site-set.ts';
import type { Keyring } from '../trust/keyring.ts';
import { DEFAULTS } from './defaults.ts';
import type { KeptIndexes } from './kept-index.ts';
import { loadCatalog } from './load-catalog.ts';
import type { LoadedCatalog, LoadOptions, TakeRecords } from './load-catalog.ts';
import type { OriginalIndex } from './original-index.ts';
import { userAgent } from './version.ts';

export type Verify = (bytes: Uint8Array, signature: Uint8Array) => Promise<SignatureAnswer>;

export interface IndexOptions {
  readonly arch: string;
  readonly verify: Verify;
  readonly unsigned: boolean;
  readonly report: Report;
  /** Indexes of an earlier time: not sent again when they did not change. */
  readonly kept?: KeptIndexes | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the indexes of sites are had when no repo is at hand. */
export interface FromSites {
  readonly siteOptions?: Partial<SiteOptions>;
  /** By default x86_64. */
  readonly arch?: string;
  /** Files of keys to trust besides the built-in ones. */
  readonly keyring?: readonly string[];
  /** Accepts an unsigned index. */
  readonly unsigned?: boolean;
  readonly load?: LoadOptions;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Finds, verifies and reads the index of each group of sites. Throws what finding and reading throw. */
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

/** Opens sites with the same content. Throws `usage` for what is no address. */
export function openGroup(addresses: readonly string[], options: Partial<SiteOptions>, report: Report): SiteSet {
  return new SiteSet(
    addresses.map((address) => openSite(address, { userAgent: userAgent(), ...options })),
    { report },
  );
}

/** The keys that come with cygstrap and those in files. */
export async function trustedKeys(files: readonly string[]): Promise<Keyring> {
  const { joinKeyrings, readKeyring, shippedKeyring } = await import('../trust/keyring.ts');
  return joinKeyrings(await shippedKeyring(), await readKeyring(files));
}

/** Makes what judges signatures by {@link trustedKeys}. Files of keys are read now, so that a wrong one is told of at
 *  once; without any, nothing of OpenPGP is loaded before the first signature. Throws what reading the files throws. */
export async function verifierOf(files: readonly string[]): Promise<Verify> {
  let keyring = files.length === 0 ? undefined : await trustedKeys(files);
  return async (bytes, signature) => {
    const { verifyDetached } = await import('../trust/verify.ts');
    keyring ??= await trustedKeys(files);
    return verifyDetached(bytes, signature, keyring);
  };
}

/** Finds the index of each group of sites, in their order. Throws what `findIndex` throws. */
export async function findIndexes(groups: readonly SiteSet[], options: IndexOptions): Promise<OriginalIndex[]> {
  const indexes: OriginalIndex[] = [];
  for (const [i, sites] of groups.entries()) indexes.push(await findOne(sites, i, options));
  return indexes;
}

async function findOne(
  sites: SiteSet,
  group: number,
  { arch, verify, unsigned, report, kept, signal }: IndexOptions,
): Promise<OriginalIndex> {
  const before = await kept?.read(arch, group);
  const verified = before === undefined ? undefined : await verifiedAgain(before, verify, unsigned);
  const known = verified?.validator === undefined ? undefined : { ...verified, validator: verified.validator };
  const found = await findIndex(sites, {
    arch,
    unsigned,
    verify,
    ...(known === undefined ? {} : { known }),
    ...(signal === undefined ? {} : { signal }),
  });
  for (const message of found.warnings) report({ kind: 'warning', message });
  if (found.kind === 'found') return { ...found, site: found.site.name };
  if (known === undefined) throw new Error('a site calls an index unchanged that was not asked for so');
  return known;
}

/** Gives what is kept with the signer it has today: of a key that is trusted now, or unsigned when that is asked for.
 *  Undefined when it would not be taken. */
export async function verifiedAgain(
  index: OriginalIndex,
  verify: Verify,
  unsigned: boolean,
): Promise<OriginalIndex | undefined> {
  const { bytes, signature } = index;
  if (unsigned) return signature === undefined ? { ...index, signer: 'unsigned' } : undefined;
  if (signature === undefined) return undefined;
  const answer = await verify(bytes, signature);
  return answer.kind === 'verified' ? { ...index, signer: answer.fingerprint } : undefined;
}

/** A catalog with who vouches for each of its indexes. */
export interface SignedCatalog {
  readonly loaded: LoadedCatalog;
  readonly signers: readonly string[];
}

/** Reads indexes that were found. Throws as `loadCatalog`. */
export async function loadOriginals(
  indexes: readonly OriginalIndex[],
  options: LoadOptions,
  take?: TakeRecords,
): Promise<SignedCatalog> {
  const sources = indexes.map(({ site, path, bytes }) => ({ name: addressOf(site, path), bytes }));
  return { loaded: await loadCatalog(sources, options, take), signers: indexes.map(({ signer }) => signer) };
}

function addressOf(site: string, path: string): string {
  return `${site.endsWith('/') ? site : `${site}/`}${path}`;
}
