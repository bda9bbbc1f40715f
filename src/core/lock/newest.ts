import type { LockedIndex } from './lock.ts';

/** Time of the newest index known of a signer, for one release and architecture. */
export interface NewestIndex {
  /** Fingerprint of the key, or `unsigned ADDRESS` with the address of the site. */
  readonly signer: string;
  readonly release: string | null;
  readonly arch: string | null;
  /** In seconds since 1970. */
  readonly timestamp: number;
}

/** An index, its signer and the address of its site. */
export type DatedIndex = Omit<LockedIndex, 'sha512'> & { readonly site?: string };

/** Returns indexes by signer, release and architecture, each with its newest time; sorted. Leaves out an index without
 *  timestamp, and an unsigned one without address: only an address identifies it. */
export function newestIndexes(...lists: readonly (readonly DatedIndex[])[]): NewestIndex[] {
  const newest = new Map<string, NewestIndex>();
  for (const { release, arch, timestamp, ...index } of lists.flat()) {
    const signer = signerOf(index);
    if (signer === undefined || timestamp === null) continue;
    const key = JSON.stringify([signer, release, arch]);
    if (timestamp >= (newest.get(key)?.timestamp ?? 0)) newest.set(key, { signer, release, arch, timestamp });
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, index]) => index);
}

/** Returns the newest time known for the signer, release and architecture of an index if the index is older or has no
 *  timestamp; otherwise undefined. */
export function newerThan(index: DatedIndex, known: readonly NewestIndex[]): number | undefined {
  const { release, arch, timestamp } = index;
  const signer = signerOf(index);
  const newest = known.find((one) => one.signer === signer && one.release === release && one.arch === arch)?.timestamp;
  return newest !== undefined && (timestamp ?? 0) < newest ? newest : undefined;
}

function signerOf({ signer, site }: Pick<DatedIndex, 'signer' | 'site'>): string | undefined {
  if (signer !== 'unsigned') return signer;
  return site === undefined ? undefined : `unsigned ${site}`;
}
