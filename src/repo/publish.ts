import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { createDirectory } from './disk/directories.ts';
import { makeNamesDurable } from './disk/durable.ts';
import { ioError } from '../io/system-error.ts';
import { indexFiles } from './index-files.ts';
import type { IndexFile } from './index-files.ts';
import { TEMP_SUFFIX, archDirectory } from './files/layout.ts';
import type { Store } from './store.ts';
import type { SubsetIndex } from './subset.ts';

/** A new index or signature before it gets its name: `.setup.ini.<random>.tmp`; nobody reads it. */
const DRAFT_NAME = /^\.setup\.(?:zst|xz|bz2|ini)(?:\.sig)?\.[0-9a-f-]{36}\.tmp$/;

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
    await createDirectory(directory);
    await removeDrafts(directory);
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
    ({ location: each }) => wanted.has(each) && readFileSync(each).equals(wanted.get(each) ?? new Uint8Array()),
  );
}

async function replace(location: string, bytes: Uint8Array, signature: Uint8Array | undefined): Promise<void> {
  const signatureLocation = `${location}.sig`;
  const drafts: string[] = [];
  const draftOf = async (target: string, content: Uint8Array): Promise<string> => {
    const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}${TEMP_SUFFIX}`);
    drafts.push(draft);
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return draft;
  };
  try {
    const index = await draftOf(location, bytes);
    const signed = signature === undefined ? undefined : await draftOf(signatureLocation, signature);
    const isNew = !existsSync(location);
    if (isNew && signed !== undefined) await rename(signed, signatureLocation);
    else await rm(signatureLocation, { force: true });
    await rename(index, location);
    if (!isNew && signed !== undefined) await rename(signed, signatureLocation);
  } finally {
    for (const draft of drafts) await rm(draft, { force: true });
  }
}

/** Removes what a killed publication left; there is none under way while we have the store. */
async function removeDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (DRAFT_NAME.test(name)) await rm(join(directory, name), { force: true });
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
