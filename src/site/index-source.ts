import { CygstrapError } from '../errors.ts';
import { newerThan, newestIndexes } from '../core/lock/newest.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import type { Report } from '../events.ts';
import { OFFLINE_HINT } from './base/fetch-error.ts';
import type { OriginalIndex } from './base/original-index.ts';
import type { Site } from './base/site.ts';
import type { IndexCache } from './index-cache.ts';
import { findIndex } from './index-discovery.ts';
import type { SiteTrust } from './index-discovery.ts';
import { addressOf } from './index-failure.ts';
import { ageWarning, readHead } from './index-head.ts';
import type { IndexHead } from './index-head.ts';
import { openSite } from './open-site.ts';
import type { SiteOptions } from './open-site.ts';
import { SiteSet } from './site-set.ts';

/** Sites with the same content, and the trust of each. */
export interface IndexGroup {
  readonly sites: SiteSet;
  /** In the order of the sites. */
  readonly trusts: readonly SiteTrust[];
}

export interface IndexOptions {
  readonly arch: string;
  /** An index that is older than the newest one known of its signer, for the same group, is rejected. */
  readonly newest: readonly NewestIndex[];
  readonly report: Report;
  /** Indexes of earlier calls; a site does not send an unchanged one again. */
  readonly cache?: IndexCache | undefined;
  /** Keeps the indexes of remote sites in the cache, and uses one without asking its site if that had it within this
   *  many milliseconds; `Infinity` never asks. By default the cache is only read. */
  readonly keepMs?: number | undefined;
  /** Whether a site may send an older index than the one in the cache. Default: true. */
  readonly allowOlder?: boolean | undefined;
  /** Called when the sites of the last group begin to send their index, which is not verified yet. */
  readonly onSending?: ((site: Site) => void) | undefined;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
}

/** Opens sites with the same content. Throws `usage` for an invalid address. */
export function openSites(addresses: readonly string[], options: SiteOptions, report: Report): SiteSet {
  return new SiteSet(
    addresses.map((address) => openSite(address, options)),
    { report },
  );
}

/** Finds and verifies the index of each group of sites. Returns them in the order of the groups. Warns of an index that
 *  came over the network and is much older than now. Throws as `findIndex`. */
export async function findIndexes(groups: readonly IndexGroup[], options: IndexOptions): Promise<OriginalIndex[]> {
  const indexes: OriginalIndex[] = [];
  for (const [i, group] of groups.entries()) {
    const onSending = i === groups.length - 1 ? options.onSending : undefined;
    indexes.push(await findOne(group, i, { ...options, onSending }));
  }
  return indexes;
}

async function findOne(
  { sites, trusts }: IndexGroup,
  group: number,
  { arch, newest: ofAllGroups, report, cache, keepMs, allowOlder = true, onSending, now, signal }: IndexOptions,
): Promise<OriginalIndex> {
  const newest = ofAllGroups.filter(({ index }) => index === group);
  const trustOf = (site: Site): SiteTrust => {
    const trust = trusts[sites.sites.indexOf(site)];
    if (trust === undefined) throw new Error(`no trust is given for a site: ${site.name}`);
    return trust;
  };
  const before = await cache?.read(arch, group);
  const origin = sites.sites.find(({ name }) => name === before?.site);
  const known =
    before === undefined || origin === undefined
      ? undefined
      : await knownIndex(before, trustOf(origin), newest, signal);
  const isRemote = sites.sites.every(({ name }) => /^https?:/.test(name));
  if (keepMs !== undefined && isRemote) {
    const confirmedMs = (await cache?.confirmedMs(arch, group)) ?? -Infinity;
    if (known !== undefined && now().getTime() - confirmedMs <= keepMs) {
      report({ kind: 'note', message: `the index of \`${known.site}\` is a copy from ${agoText(now(), confirmedMs)}` });
      return known;
    }
    if (keepMs === Infinity)
      throw new CygstrapError('not-found', `no index of \`${sites.sites[0]?.name}\` is kept on this computer`, {
        hint: OFFLINE_HINT,
      });
  }
  const kept =
    known === undefined || allowOlder ? [] : newestIndexes([{ ...known.head, signer: known.signer, site: known.site }]);
  const found = await findIndex(sites, {
    arch,
    trustOf,
    newest: [...newest, ...kept.map((one) => ({ ...one, index: group }))],
    ...(known === undefined ? {} : { known }),
    onSending,
    ...(signal === undefined ? {} : { signal }),
  });
  for (const message of found.warnings) report({ kind: 'warning', message });
  const index = found.kind === 'found' ? { ...found, site: found.site.name } : known;
  if (index === undefined) throw new Error('a site reports an index as unchanged that was not in the cache');
  if (keepMs !== undefined && isRemote) {
    if (found.kind === 'found') await cache?.write(arch, group, index);
    await cache?.confirm(arch, group, now());
  }
  const old = ageWarning(addressOf(index.site, index.path), index.head, now());
  if (old !== undefined) report({ kind: 'warning', message: old });
  return index;
}

function agoText(now: Date, thenMs: number): string {
  const minutes = Math.round((now.getTime() - thenMs) / 60_000);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

interface KnownOriginal extends OriginalIndex {
  readonly validator: string;
  readonly head: IndexHead;
  readonly isSigned: boolean;
}

/** Returns a cached index if its site may report it as unchanged: it is acceptable from this site now. */
async function knownIndex(
  before: OriginalIndex,
  trust: SiteTrust,
  newest: readonly NewestIndex[],
  signal: AbortSignal | undefined,
): Promise<KnownOriginal | undefined> {
  if (before.validator === undefined) return undefined;
  const verified = await verifyAgain(before, trust);
  if (verified === undefined) return undefined;
  const head = await readHead(verified.bytes, signal);
  if (newerThan({ ...head, signer: verified.signer, site: verified.site }, newest) !== undefined) return undefined;
  return { ...verified, validator: before.validator, head, isSigned: verified.signature !== undefined };
}

/** Returns a cached index with its current signer: a key that is trusted now, or `unsigned` if that is accepted.
 *  Returns undefined if the index is not acceptable any more. */
export async function verifyAgain(
  index: OriginalIndex,
  { verify, unsigned }: SiteTrust,
): Promise<OriginalIndex | undefined> {
  const { bytes, signature } = index;
  if (signature === undefined) return unsigned ? { ...index, signer: 'unsigned' } : undefined;
  const answer = await verify(bytes, signature);
  return answer.kind === 'verified' ? { ...index, signer: answer.fingerprint } : undefined;
}
