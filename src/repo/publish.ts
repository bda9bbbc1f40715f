import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { replaceFile, targetOfTemporary, temporaryPathOf } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { makeNamesDurable } from './disk/durable.ts';
import { ioError } from '../io/system-error.ts';
import { indexFiles } from './index-files.ts';
import type { IndexFile } from './index-files.ts';
import { INDEX_NAME, archDirectory } from './files/layout.ts';
import type { Store } from './store.ts';
import type { SubsetIndex } from './subset.ts';

/** An index as it stands in a repo. */
export interface PublishedIndex {
  /** Absolute. */
  readonly location: string;
  readonly form: IndexForm;
  readonly sizeBytes: number;
  /** Of the bytes as published. */
  readonly sha512: string;
  readonly isSigned: boolean;
  /** False: the very same index was there already, and nothing was written. */
  readonly isChanged: boolean;
}

export interface FullIndex {
  readonly form: IndexForm;
  /** As the site sent it, so that its signature still holds. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array | undefined;
}

/** Publishes the index of what is in the repo, as a plain `setup.ini`. `sign` makes a detached binary signature of its bytes.
 *  See `publish` for what readers see meanwhile. */
export async function publishSubset(
  store: Store,
  arch: string,
  index: SubsetIndex,
  sign?: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<PublishedIndex> {
  const bytes = Buffer.from(index.text);
  return publish(store, arch, { form: 'ini', bytes, signature: await sign?.(bytes) });
}

/** Publishes an index byte by byte as a site had it, with its signature. It may list files that the repo does not have. */
export async function publishFull(store: Store, arch: string, index: FullIndex): Promise<PublishedIndex> {
  return publish(store, arch, index);
}

/** Puts an index in the place of whatever index there is. A reader (setup takes the first of `setup.zst`, `.xz`, `.bz2`, `.ini`, and
 *  its signature) sees the old index, then the new one, never another and never one whose files are not there:
 *
 *  1. What the new index lists is made durable (`store.sync`), then the index itself, under a name nobody reads.
 *  2. The old signature of this form goes: an index without one is taken by setup from a local repo, one with a wrong one is not.
 *     Where there is no such form yet, the new signature comes first instead; alone it means nothing.
 *  3. The index is renamed to its name; then, in the first case, its signature. From here on both are durable.
 *  4. The other forms go, last looked for first, each before its signature. So the one that hides all others goes last, and
 *     in one step; a stop in between leaves the old or the new index in force, and the next publication finishes.
 *
 *  Old archives stay until `prune`, so the old index is right for as long as anybody can see it. Throws `io`. */
async function publish(store: Store, arch: string, { form, bytes, signature }: FullIndex): Promise<PublishedIndex> {
  const directory = archDirectory(store.places, arch);
  const location = join(directory, `setup.${form}`);
  await store.sync();
  try {
    await makeDirectory(directory);
    await removeTemporaryFiles(directory);
    const there = indexFiles(directory);
    const isChanged = !isInForce(there, location, bytes, signature);
    if (isChanged) {
      await replace(location, bytes, signature);
      await makeNamesDurable(directory);
      for (const path of others(there, form)) await rm(path, { force: true });
      if (signature === undefined) await rm(`${location}.sig`, { force: true });
      await makeNamesDurable(directory);
    }
    return {
      location,
      form,
      sizeBytes: bytes.length,
      sha512: createHash('sha512').update(bytes).digest('hex'),
      isSigned: signature !== undefined,
      isChanged,
    };
  } catch (error) {
    throw ioError(error, 'publish the index', location);
  }
}

function isInForce(
  there: readonly IndexFile[],
  location: string,
  bytes: Uint8Array,
  signature: Uint8Array | undefined,
): boolean {
  const wanted = new Map<string, Uint8Array>([[location, bytes]]);
  if (signature !== undefined) wanted.set(`${location}.sig`, signature);
  if (there.length !== wanted.size) return false;
  return there.every(
    ({ location: each }) =>
      wanted.has(each) &&
      // A symbolic link is replaced.
      lstatSync(each).isFile() &&
      readFileSync(each).equals(wanted.get(each) ?? new Uint8Array()),
  );
}

async function replace(location: string, bytes: Uint8Array, signature: Uint8Array | undefined): Promise<void> {
  const signatureLocation = `${location}.sig`;
  const temporaries: string[] = [];
  const write = async (target: string, content: Uint8Array): Promise<string> => {
    const temporary = temporaryPathOf(target);
    temporaries.push(temporary);
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return temporary;
  };
  try {
    const index = await write(location, bytes);
    const signed = signature === undefined ? undefined : await write(signatureLocation, signature);
    const isNew = !existsSync(location);
    if (isNew && signed !== undefined) await replaceFile(signed, signatureLocation);
    else await rm(signatureLocation, { force: true });
    await replaceFile(index, location);
    if (!isNew && signed !== undefined) await replaceFile(signed, signatureLocation);
  } finally {
    for (const temporary of temporaries) await rm(temporary, { force: true });
  }
}

/** Removes what a killed publication left; the lock of the store excludes another one. */
async function removeTemporaryFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (INDEX_NAME.test(targetOfTemporary(name) ?? '')) await rm(join(directory, name), { force: true });
  }
}

/** The files of all forms but one, in the order in which they may go. */
function others(there: readonly IndexFile[], form: IndexForm): string[] {
  return there
    .filter((file) => file.form !== form)
    .toSorted(
      (a, b) =>
        INDEX_FORMS.indexOf(b.form) - INDEX_FORMS.indexOf(a.form) || Number(a.isSignature) - Number(b.isSignature),
    )
    .map(({ location }) => location);
}
