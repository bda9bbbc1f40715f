import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { identityOf } from '../../io/file-identity.ts';
import { IMAGES, storeInitramfs, markUsed } from './image-store.ts';
import type { Image } from './image-store.ts';
import type { TreeEntry } from './cpio.ts';

/** How an image comes to be. */
export interface ImageRecipe {
  /** Of what is known of it from before, in the cache. */
  readonly name: string;
  /** All that decides what is in it, but for the bytes of the host's files: plain JSON. */
  readonly parts: unknown;
  /** Files of the host, there or not, that change when others than before would be put in. */
  readonly signs: readonly string[];
  /** Reads all of it, which takes long. */
  readonly entries: () => Promise<readonly TreeEntry[]>;
}

/** What an image was made of, and what it was like when its bytes were last hashed. */
interface Known {
  readonly parts: string;
  /** Identities of the host's files by path, empty for one that was not there. */
  readonly sources: Readonly<Record<string, string>>;
  readonly image: Image;
  readonly identity: string;
}

/** So often it is written down that an image is in use. */
const MARK_INTERVAL_MS = 24 * 60 * 60_000;

/** Finds the image that was made by the same recipe of the same files, none of which somebody touched since; else makes it. */
export async function cachedInitramfs(cacheDir: string, recipe: ImageRecipe): Promise<Image> {
  const path = join(cacheDir, IMAGES, `${recipe.name}.json`);
  const parts = createHash('sha256').update(JSON.stringify(recipe.parts)).digest('hex');
  const known = await readKnown(path);
  if (known?.parts === parts && (await isAsKnown(known))) {
    const { image } = known;
    if (Date.now() - (await stat(image.path)).mtimeMs > MARK_INTERVAL_MS) {
      await markUsed(image.path);
      await note(path, { ...known, identity: await idOf(image.path) });
    }
    return image;
  }
  const signs = await Promise.all(recipe.signs.map(async (each) => [each, await idOf(each)] as const));
  const entries = await recipe.entries();
  const image = await storeInitramfs(cacheDir, entries);
  const files = entries.flatMap((entry) =>
    entry.kind === 'file' && entry.from !== undefined ? [[entry.from.path, entry.from.identity] as const] : [],
  );
  await note(path, {
    parts,
    sources: Object.fromEntries([...signs, ...files]),
    image,
    identity: await idOf(image.path),
  });
  return image;
}

async function readKnown(path: string): Promise<Known | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Known;
  } catch {
    return undefined;
  }
}

async function isAsKnown({ sources, image, identity }: Known): Promise<boolean> {
  const all = [[image.path, identity] as const, ...Object.entries(sources)];
  const same = await Promise.all(all.map(async ([path, before]) => (await idOf(path)) === before));
  return identity !== '' && same.every(Boolean);
}

async function idOf(path: string): Promise<string> {
  return identityOf(path).catch(() => '');
}

async function note(path: string, known: Known): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFileAtomically(path, JSON.stringify(known));
  } catch {
    // Without it the image is made out anew each time.
  }
}
