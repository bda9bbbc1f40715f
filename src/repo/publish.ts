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

/** A published index. */
export interface PublishedIndex {
  /** Absolute. */
  readonly location: string;
  readonly form: IndexForm;
  readonly sizeBytes: number;
  /** Of the published bytes, in hexadecimal. */
  readonly sha512: string;
  readonly isSigned: boolean;
  /** False if the repo had the same index and nothing was written. */
  readonly isChanged: boolean;
}

export interface FullIndex {
  readonly form: IndexForm;
  /** As the site sent it, so that its signature stays valid. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array | undefined;
}

/** Publishes an index of what the repo has, as an uncompressed `setup.ini`. `sign` returns a detached binary signature
 *  of its bytes. See `publish` for what concurrent readers see. Throws `io` and errors of `sign`. */
export async function publishSubset(
  store: Store,
  arch: string,
  index: SubsetIndex,
  sign?: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<PublishedIndex> {
  const bytes = Buffer.from(index.text);
  return publish(store, arch, { form: 'ini', bytes, signature: await sign?.(bytes) });
}

/** Publishes an index of a site, unchanged, with its signature. It may list files that the repo does not have. Throws
 *  `io`. */
export async function publishFull(store: Store, arch: string, index: FullIndex): Promise<PublishedIndex> {
  return publish(store, arch, index);
}

/** Replaces the index of an architecture. A concurrent reader (setup reads the first of `setup.zst`, `.xz`, `.bz2`,
 *  `.ini`, and its signature) sees the old index or the new one, never a mixture, and never an index whose files do not
 *  exist:
 *
 *  1. The files of the new index are flushed (`store.sync`), then the index itself, under a temporary name.
 *  2. The old signature of this form is removed: setup accepts a local index without a signature, but not one with a
 *  wrong signature.
 *     If the form is new, the new signature is placed first instead; alone it has no effect.
 *  3. The index is renamed to its final name; then, in the first case, its signature. Both are flushed.
 *  4. The other forms are removed in reverse order of setup's search, each before its signature. So the form that hides
 *  all others is
 *  removed last, in one step. A stop in between leaves the old or the new index in force; the next publication
 *  completes it.
 *
 *  Old archives stay until `prune`, so that the old index is valid while a reader can see it. Throws `io`. */
async function publish(store: Store, arch: string, { form, bytes, signature }: FullIndex): Promise<PublishedIndex> {
  const directory = archDirectory(store.places, arch);
  const location = join(directory, `setup.${form}`);
  await store.sync();
  await store.reserveIndex(arch, [`setup.${form}`, ...(signature === undefined ? [] : [`setup.${form}.sig`])]);
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

/** Returns the files of all forms but one, in the order of removal. */
function others(there: readonly IndexFile[], form: IndexForm): string[] {
  return there
    .filter((file) => file.form !== form)
    .toSorted(
      (a, b) =>
        INDEX_FORMS.indexOf(b.form) - INDEX_FORMS.indexOf(a.form) || Number(a.isSignature) - Number(b.isSignature),
    )
    .map(({ location }) => location);
}
