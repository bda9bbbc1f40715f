import type { Report } from '../events.ts';
import type { Lock, LockedFile } from '../core/lock/lock.ts';
import type { DatedIndex } from '../core/lock/newest.ts';
import { rememberIndexes } from '../repo/newest-index.ts';
import { publishFull, publishSubset } from '../repo/publish.ts';
import type { Store } from '../repo/store.ts';
import { subsetIndex } from '../repo/subset.ts';
import type { SubsetIndex } from '../repo/subset.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import type { CompleteContext, CompleteRequest } from './fetch-request.ts';
import type { IndexContent, Selection } from './fetch-selection.ts';

/** The index that a fetch published. */
export interface PublishedSummary {
  readonly packages: number;
  readonly isSigned: boolean;
}

/** Publishes the index of the files that the repo has, or with `fullIndex` that of the site. Returns null if there is
 *  no index to publish. Remembers the time of the site's indexes first. Warns of locked packages that the index does
 *  not list. Throws `repo`, `io`, and errors of
 *  signing. */
export async function publishIndex(
  store: Store,
  { arch, lock }: Selection,
  content: IndexContent | undefined,
  files: readonly VerifiedFile[],
  request: CompleteRequest,
  { report }: CompleteContext,
): Promise<PublishedSummary | null> {
  if (content === undefined) return null;
  const { fullIndex, signKey, passphrase } = request;
  if (lock !== undefined)
    for (const message of warningsOf(lock, content, fullIndex)) report({ kind: 'warning', message });
  await rememberIndexes(store.places.root, datedIndexes(content));
  const [original] = content.originals;
  if (fullIndex && original !== undefined) {
    await publishFull(store, arch, original);
    return { packages: content.catalog.catalog.packages.size, isSigned: original.signature !== undefined };
  }
  // The index is computed while the disk is flushed.
  const [, index] = await Promise.all([store.sync(), subsetOf(content, files)]);
  const { isSigned } = await publishSubset(
    store,
    arch,
    index,
    signKey === undefined ? undefined : (bytes) => sign(bytes, signKey, passphrase, report),
  );
  return { packages: index.packages, isSigned };
}

function datedIndexes({ originals, catalog }: IndexContent): DatedIndex[] {
  return originals.flatMap(({ signer, site }, i) => {
    const index = catalog.indexes[i];
    return index === undefined
      ? []
      : [{ release: index.release, arch: index.arch, timestamp: index.timestamp, signer, site }];
  });
}

async function sign(
  bytes: Uint8Array,
  keyFile: string,
  passphrase: string | undefined,
  report: Report,
): Promise<Uint8Array> {
  const { signDetached } = await import('../trust/sign.ts');
  const { signature, warnings } = await signDetached(bytes, keyFile, passphrase);
  for (const message of warnings) report({ kind: 'warning', message });
  return signature;
}

async function subsetOf({ catalog, records }: IndexContent, files: readonly VerifiedFile[]): Promise<SubsetIndex> {
  return subsetIndex({ header: catalog.catalog.headers[0] ?? {}, records, files });
}

/** Returns the differences between a lock and the index that matter to setup. */
function warningsOf({ packages, indexes }: Lock, { records, catalog }: IndexContent, isFull: boolean): string[] {
  const warnings: string[] = [];
  const listed = new Set(
    records.flatMap(({ versions }) =>
      versions.flatMap(({ install }) =>
        install === undefined ? [] : contentsOf({ ...install, size: install.sizeBytes }),
      ),
    ),
  );
  const unlisted = packages
    .filter((pkg) => !contentsOf(pkg).some((content) => listed.has(content)))
    .map(({ name, version }) => `\`${name} ${version}\``);
  if (unlisted.length > 0)
    warnings.push(
      `the current index does not list ${unlisted.join(', ')} as locked: the repo has the archives, but ` +
        `setup does not see them; update the lock with \`cygstrap update\``,
    );
  if (isFull && indexes.some(({ sha512 }, i) => sha512 !== catalog.indexes[i]?.sha512))
    warnings.push(
      'the index of the site differs from that of the lock: setup may choose versions that the repo does not have',
    );
  return warnings;
}

/** Returns path, size and digest as text, once for each digest: files with a common text have the same content. */
function contentsOf({ path, size, sha512, md5 }: LockedFile): string[] {
  const digests = [sha512, md5].filter((digest) => digest !== undefined);
  return (digests.length === 0 ? [''] : digests).map((digest) => `${path} ${size} ${digest}`);
}
