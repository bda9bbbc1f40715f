import type { Report } from '../events.ts';
import type { Verify } from '../trust/verifier.ts';
import type { OriginalIndex } from './base/original-index.ts';
import type { IndexCache } from './index-cache.ts';
import { findIndex } from './index-discovery.ts';
import { openSite } from './open-site.ts';
import type { SiteOptions } from './open-site.ts';
import { SiteSet } from './site-set.ts';

export interface IndexOptions {
  readonly arch: string;
  readonly verify: Verify;
  /** Accepts an unsigned index. */
  readonly unsigned: boolean;
  readonly report: Report;
  /** Indexes of earlier calls; a site does not send an unchanged one again. */
  readonly cache?: IndexCache | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens sites with the same content. Throws `usage` for an invalid address. */
export function openSites(addresses: readonly string[], options: SiteOptions, report: Report): SiteSet {
  return new SiteSet(
    addresses.map((address) => openSite(address, options)),
    { report },
  );
}

/** Finds and verifies the index of each group of sites. Returns them in the order of the groups. Throws as `findIndex`.
 *  */
export async function findIndexes(groups: readonly SiteSet[], options: IndexOptions): Promise<OriginalIndex[]> {
  const indexes: OriginalIndex[] = [];
  for (const [i, sites] of groups.entries()) indexes.push(await findOne(sites, i, options));
  return indexes;
}

async function findOne(
  sites: SiteSet,
  group: number,
  { arch, verify, unsigned, report, cache, signal }: IndexOptions,
): Promise<OriginalIndex> {
  const before = await cache?.read(arch, group);
  const verified = before === undefined ? undefined : await verifyAgain(before, verify, unsigned);
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
  if (known === undefined) throw new Error('a site reports an index as unchanged that was not in the cache');
  return known;
}

/** Returns a cached index with its current signer: a key that is trusted now, or `unsigned` if that is accepted.
 *  Returns undefined if the index is not acceptable any more. */
export async function verifyAgain(
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
