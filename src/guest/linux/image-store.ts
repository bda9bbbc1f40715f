import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../io/atomic-file.ts';
import { exists } from '../../io/directories.ts';
import { sha256OfFile } from '../../io/file-digest.ts';
import { cpioArchive } from './cpio.ts';
import type { TreeEntry } from './cpio.ts';

/** A file that a machine boots, in the cache under the name of its digest. */
export interface Image {
  readonly path: string;
  /** sha256 of its bytes, in hex. */
  readonly key: string;
  readonly sizeBytes: number;
}

/** In the cache: first file systems, and what is known of them. */
export const IMAGES = 'images';

/** Makes the first file system of a Linux guest and keeps it in the cache by the digest of its bytes: the same entries are the same
 *  file, written once. It is not compressed: unpacking costs an emulated machine more than reading. */
export async function storeInitramfs(cacheDir: string, entries: readonly TreeEntry[]): Promise<Image> {
  const chunks = cpioArchive(entries);
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const key = hash.digest('hex');
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const directory = join(cacheDir, IMAGES);
  const path = join(directory, `${key}.cpio`);
  // One that is not there, or not to be read, has none.
  if ((await sha256OfFile(path).catch(() => undefined)) === key) await markUsed(path);
  else {
    await mkdir(directory, { recursive: true });
    await publish(directory, path, async (part) => writeChunks(part, chunks));
  }
  return { path, key, sizeBytes };
}

async function writeChunks(part: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await open(part, 'w', 0o444);
  try {
    await file.writev(chunks);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a file or directory under a temporary name beside its place and renames it there when it is whole. Another process that was
 *  quicker with the same one wins; both find it then. Nothing is left behind on failure. */
export async function publish(directory: string, path: string, make: (part: string) => Promise<void>): Promise<void> {
  const workDir = await mkdtemp(join(directory, '.part-'));
  try {
    const part = join(workDir, 'part');
    await make(part);
    await replaceFile(part, path).catch(async (error: unknown) => {
      if (!(await exists(path))) throw error;
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Writes down, as its time of change, that something in the cache is used now. */
export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  // A cache that only others may write is of use as well.
  await utimes(path, now, now).catch(() => {});
}

/** What was used a moment ago may be about to be opened. */
const LEAST_AGE_MS = 60 * 60_000;

/** Removes images and saved controllers that were not used for so long, and what was left half-made as long ago; they are made again when
 *  they are wanted. Nothing that was used within the last hour goes, and a machine that runs keeps its open files. Gives the paths. */
export async function removeUnused(
  cacheDir: string,
  { unusedMs, nowMs }: { readonly unusedMs: number; readonly nowMs: number },
): Promise<string[]> {
  const lastMs = nowMs - Math.max(unusedMs, LEAST_AGE_MS);
  const removed: string[] = [];
  for (const directory of [IMAGES, 'controllers'].map((name) => join(cacheDir, name))) {
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      if (!(await isOlder(path, lastMs))) continue;
      const aside = await mkdtemp(join(directory, '.gone-'));
      const there = join(aside, name);
      await replaceFile(path, there).catch(() => {});
      // Who began to use it in this moment keeps it.
      if (await isOlder(there, lastMs)) removed.push(path);
      else await replaceFile(there, path).catch(() => {});
      await rm(aside, { recursive: true, force: true });
    }
  }
  return removed;
}

async function isOlder(path: string, timeMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < timeMs;
}
