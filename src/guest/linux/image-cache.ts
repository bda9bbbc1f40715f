import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { count, objectOf, parseShaped, recordOf, text } from '../../core/json/shape.ts';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { identityOf } from '../../io/file-identity.ts';
import type { TreeEntry } from './cpio.ts';
import { IMAGES, markUsed, storeInitramfs } from './image-store.ts';
import type { Image } from './image-store.ts';

/** How to make an image. */
export interface ImageRecipe {
  /** Name of its record in the cache. */
  readonly name: string;
  /** Everything that decides the content of the image, except the bytes of files of the host: plain JSON. */
  readonly parts: unknown;
  /** Files of the host, existing or not, that change when the image needs other files than before. */
  readonly watchedFiles: readonly string[];
  /** Reads all files of the image, which takes seconds. */
  readonly entries: () => Promise<readonly TreeEntry[]>;
}

/** The sources of an image when it was made, and the identity of the image when its bytes were last hashed. */
interface ImageRecord {
  /** sha256 of `ImageRecipe.parts`. */
  readonly parts: string;
  /** Identities of the files of the host by path; empty for a missing file. */
  readonly sources: Readonly<Record<string, string>>;
  readonly image: Image;
  readonly identity: string;
}

const imageRecord = objectOf({
  parts: text,
  sources: recordOf(text),
  image: objectOf({ path: text, key: text, sizeBytes: count }),
  identity: text,
});

/** Least time between two records of a use of an image. */
const MARK_INTERVAL_MS = 24 * 60 * 60_000;

/** Returns the image that was made by the same recipe, if no source file and not the image itself has changed;
 *  otherwise makes it. Throws errors of the system and what `recipe.entries` throws. */
export async function cachedInitramfs(cacheDir: string, recipe: ImageRecipe): Promise<Image> {
  const path = join(cacheDir, IMAGES, `${recipe.name}.json`);
  const parts = createHash('sha256').update(JSON.stringify(recipe.parts)).digest('hex');
  const found = await readRecord(path);
  if (found?.parts === parts && (await isCurrent(found))) {
    const { image } = found;
    if (Date.now() - (await stat(image.path)).mtimeMs > MARK_INTERVAL_MS) {
      await markUsed(image.path);
      await writeRecord(path, { ...found, identity: await identityIn(image.path) });
    }
    return image;
  }
  const watched = await Promise.all(recipe.watchedFiles.map(async (each) => [each, await identityIn(each)] as const));
  const entries = await recipe.entries();
  const image = await storeInitramfs(cacheDir, entries);
  const files = entries.flatMap((entry) =>
    entry.kind === 'file' && entry.from !== undefined ? [[entry.from.path, entry.from.identity] as const] : [],
  );
  await writeRecord(path, {
    parts,
    sources: Object.fromEntries([...watched, ...files]),
    image,
    identity: await identityIn(image.path),
  });
  return image;
}

/** Returns undefined if the record is missing or damaged. */
async function readRecord(file: string): Promise<ImageRecord | undefined> {
  try {
    return parseShaped(await readFile(file, 'utf8'), imageRecord, { file, code: 'io', hint: '' });
  } catch {
    return undefined;
  }
}

async function isCurrent({ sources, image, identity }: ImageRecord): Promise<boolean> {
  const all = [[image.path, identity] as const, ...Object.entries(sources)];
  const same = await Promise.all(all.map(async ([path, before]) => (await identityIn(path)) === before));
  return identity !== '' && same.every(Boolean);
}

/** Returns the identity of a file, empty if it is missing or not readable. */
async function identityIn(path: string): Promise<string> {
  return identityOf(path).catch(() => '');
}

async function writeRecord(path: string, record: ImageRecord): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFileAtomically(path, JSON.stringify(record));
  } catch {
    // The cache can be read-only for this user. The image is then made from its sources each time.
  }
}
