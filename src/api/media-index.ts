import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { LockComparison } from '../core/lock/comparison.ts';
import { indexOfArch } from '../repo/index-files.ts';
import type { IndexInForce } from '../repo/index-files.ts';
import { OWN_INDEXES, ownFile } from '../repo/files/layout.ts';
import type { RepoPlaces } from '../repo/files/layout.ts';
import { subsetIndex } from '../repo/subset.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import type { IndexHeader, PackageRecord } from '../core/setup-ini/records.ts';
import { IndexCache } from '../site/index-cache.ts';
import type { CachedIndex } from '../site/index-cache.ts';
import { readIndex } from './load-catalog.ts';
import { requireAgreement } from './lock-comparison.ts';
import type { NamedLock } from './lock-comparison.ts';
import type { ReadingContext } from './context.ts';
import type { IndexSource } from './load-catalog.ts';
import { readIndexForSetup } from './setup-command.ts';
import type { IndexForSetup } from './setup-command.ts';

export interface LockIndexOptions {
  readonly places: RepoPlaces;
  /** Every file of the lock. */
  readonly files: readonly VerifiedFile[];
  readonly context: ReadingContext;
}

/** The index of an image. */
export interface LockIndex {
  /** The index, and its signature if it has one, in the paths where setup looks for them. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  readonly packages: number;
  readonly forSetup: IndexForSetup;
}

/** Returns the index for the files of a lock. If the repo publishes the signed index of its site, that is the one, with
 *  its signature. Otherwise makes an index of these files, from the indexes of the lock if the repo has cached them, or
 *  from the index that setup reads from the repo; it has the signature of the repo if both have the same bytes. Throws
 *  `repo` if there is no index, or if it lists a file differently from the lock, `lock` if it contradicts the lock, and
 *  what reading an index throws. */
export async function indexOfLock(named: NamedLock, { places, files, context }: LockIndexOptions): Promise<LockIndex> {
  const { file, lock } = named;
  const { arch } = lock.request;
  const found = indexOfArch(places, arch);
  if (found?.signature !== undefined && !found.index.isSubset)
    return siteIndex(named, { index: found.index, signature: found.signature }, files);
  const inForce = found?.index;
  const sources = (await cachedIndexes(lock, places)) ?? (inForce === undefined ? [] : [inForce.location]);
  if (sources.length === 0)
    throw new CygstrapError('repo', `\`${places.root}\` has no index for ${arch}`, {
      hint: 'make the repo with `cygstrap fetch` first',
    });
  const { header, records } = await recordsOf(sources, context);
  const comparison = new LockComparison(lock);
  comparison.add(records);
  requireAgreement(file, comparison, sources.map(nameOf).join(', '));
  const { text, packages } = subsetIndex({ header, records, files });
  const bytes = Buffer.from(text);
  await requireListed({ name: `${arch}/setup.ini`, bytes }, files);
  const signature = found?.signature;
  // The signature is valid only if the index of the repo has the same bytes.
  const isPublished = inForce !== undefined && bytes.equals(await readFile(inForce.location));
  const signed =
    signature !== undefined && isPublished ? [{ path: `${arch}/setup.ini.sig`, bytes: await readFile(signature) }] : [];
  return {
    files: [{ path: `${arch}/setup.ini`, bytes }, ...signed],
    packages,
    forSetup: { records, signer: signed.length === 0 ? 'unsigned' : undefined },
  };
}

async function siteIndex(
  { file, lock }: NamedLock,
  { index, signature }: { readonly index: IndexInForce; readonly signature: string },
  files: readonly VerifiedFile[],
): Promise<LockIndex> {
  const path = `${lock.request.arch}/${basename(index.path)}`;
  const bytes = await readFile(index.location);
  const forSetup = await readIndexForSetup(lock, { name: path, bytes, isSigned: true });
  const comparison = new LockComparison(lock);
  comparison.add(forSetup.records);
  requireAgreement(file, comparison, index.path);
  await requireListed({ name: path, bytes }, files);
  return {
    files: [
      { path, bytes },
      { path: `${path}.sig`, bytes: await readFile(signature) },
    ],
    packages: new Set(forSetup.records.map(({ name }) => name)).size,
    forSetup,
  };
}

/** Returns the cached indexes of the lock, identified by the digests in it; undefined unless all are there. */
async function cachedIndexes(
  { indexes, request }: NamedLock['lock'],
  { root }: RepoPlaces,
): Promise<IndexSource[] | undefined> {
  const cache = new IndexCache(ownFile(root, OWN_INDEXES));
  const found: CachedIndex[] = [];
  for (const [group, { sha512 }] of indexes.entries()) {
    const index = await cache.read(request.arch, group);
    if (index?.sha512 !== sha512) return undefined;
    found.push(index);
  }
  return found.map(({ path, bytes }) => ({ name: path, bytes }));
}

function nameOf(source: IndexSource): string {
  return typeof source === 'string' ? source : source.name;
}

async function recordsOf(
  sources: readonly IndexSource[],
  context: ReadingContext,
): Promise<{ readonly header: IndexHeader; readonly records: readonly PackageRecord[] }> {
  const records: PackageRecord[] = [];
  const headers: IndexHeader[] = [];
  for (const source of sources)
    headers.push((await readIndex(source, context, (some) => void records.push(...some))).header);
  return { header: headers[0] ?? {}, records };
}

async function requireListed(
  index: { readonly name: string; readonly bytes: Uint8Array },
  files: readonly VerifiedFile[],
): Promise<void> {
  const unlisted = new Set<string>(files.map(({ path }) => path));
  await readIndex(index, { cacheDirectory: null }, (records) => {
    for (const { install, source } of records.flatMap(({ versions }) => versions)) {
      for (const archive of [install, source?.archive]) if (archive !== undefined) unlisted.delete(archive.path);
    }
  });
  const [first] = [...unlisted].sort();
  if (first === undefined) return;
  const more = unlisted.size === 1 ? '' : ` (and ${unlisted.size - 1} more)`;
  throw new CygstrapError(
    'repo',
    `the index of the repo does not list \`${first}\` of the lock${more}: setup would not find it`,
    { hint: 'update the lock with `cygstrap update`, and fetch again', details: { paths: [...unlisted].sort() } },
  );
}
