import type { LockedIndex } from './lock.ts';

/** Time of the newest index known of a signer, for one release and architecture and one place in the list of
 *  indexes. */
export interface NewestIndex {
  /** Place in the list of indexes, from 0: two sites can have one signer and release. */
  readonly index: number;
  /** Fingerprint of the key, or `unsigned ADDRESS` with the address of the site. */
  readonly signer: string;
  readonly release: string | null;
  readonly arch: string | null;
  /** In seconds since 1970. */
  readonly timestamp: number;
}

/** An index, its signer and the address of its site. */
export type DatedIndex = Omit<LockedIndex, 'sha512'> & { readonly site?: string };

/** Returns the times of the indexes of a lock or a repo, in their order. Leaves out an index without timestamp, and an
 *  unsigned one without address: only an address identifies it. */
export function newestIndexes(indexes: readonly DatedIndex[]): NewestIndex[] {
  return indexes.flatMap(({ release, arch, timestamp, ...signed }, index) => {
    const signer = signerOf(signed);
    return signer === undefined || timestamp === null ? [] : [{ index, signer, release, arch, timestamp }];
  });
}

/** Joins lists of times: the newest for each signer, release, architecture and place; sorted. */
export function joinNewest(...lists: readonly (readonly NewestIndex[])[]): NewestIndex[] {
  const newest = new Map<string, NewestIndex>();
  for (const one of lists.flat()) {
    const key = JSON.stringify([one.index, one.signer, one.release, one.arch]);
    if (one.timestamp >= (newest.get(key)?.timestamp ?? 0)) newest.set(key, one);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** Returns the newest time in `known` for the signer, release and architecture of an index if the index is older or has
 *  no timestamp; otherwise undefined. */
export function newerThan(index: DatedIndex, known: readonly NewestIndex[]): number | undefined {
  const { release, arch, timestamp } = index;
  const signer = signerOf(index);
  const times = known
    .filter((one) => one.signer === signer && one.release === release && one.arch === arch)
    .map((one) => one.timestamp);
  const newest = Math.max(...times);
  return (timestamp ?? 0) < newest ? newest : undefined;
}

function signerOf({ signer, site }: Pick<DatedIndex, 'signer' | 'site'>): string | undefined {
  if (signer !== 'unsigned') return signer;
  return site === undefined ? undefined : `unsigned ${site}`;
}
