import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../io/atomic-file.ts';
import { exists } from '../../io/directories.ts';
import { sha256OfFile } from '../../io/file-digest.ts';
import { cpioArchive } from './cpio.ts';
import type { TreeEntry } from './cpio.ts';

/** A boot image in the cache, named by its digest. */
export interface Image {
  readonly path: string;
  /** SHA-256 in hex. */
  readonly key: string;
  readonly sizeBytes: number;
}

/** Cache directory of initramfs images and their records. */
export const IMAGES = 'images';

/** Writes the initramfs of a Linux guest to the cache under the digest of its bytes; identical entries share one
 *  file. It is not compressed: decompression costs an emulated machine more than reading. */
export async function storeInitramfs(cacheDir: string, entries: readonly TreeEntry[]): Promise<Image> {
  const chunks = cpioArchive(entries);
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const key = hash.digest('hex');
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const directory = join(cacheDir, IMAGES);
  const path = join(directory, `${key}.cpio`);
  // A missing or unreadable image has no digest.
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

/** Creates a file or directory under a temporary name beside its target and renames it when it is complete. If
 *  another process was faster, its result is used. A failure leaves nothing. */
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

/** Records the use of a cache entry in its modification time. */
export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  // The cache can be read-only for this user.
  await utimes(path, now, now).catch(() => {});
}

/** An entry that was used recently can be about to be opened. */
const LEAST_AGE_MS = 60 * 60_000;

/** An unfinished entry of this age belongs to a process that was killed: the largest takes minutes. */
const UNFINISHED_MS = 24 * 60 * 60_000;

/** Names of entries while they are made or removed, and of temporary files. */
const UNFINISHED = /^\.(part|gone)-|\.tmp$/;

/** Removes images and saved controllers that were not used for `unusedMs`, and what killed processes left of them and
 *  of kernels a day ago or earlier; all are made again on demand. Keeps everything used within the last hour; running
 *  machines keep their open files. Returns the removed paths. */
export async function removeUnused(
  cacheDir: string,
  { unusedMs, nowMs }: { readonly unusedMs: number; readonly nowMs: number },
): Promise<string[]> {
  const unusedLastMs = nowMs - Math.max(unusedMs, LEAST_AGE_MS);
  const unfinishedLastMs = nowMs - Math.max(Math.min(unusedMs, UNFINISHED_MS), LEAST_AGE_MS);
  const removed: string[] = [];
  for (const kind of [IMAGES, 'controllers', 'kernels']) {
    const directory = join(cacheDir, kind);
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      const isUnfinished = UNFINISHED.test(name);
      if (kind === 'kernels' && !isUnfinished) continue;
      const lastMs = isUnfinished ? unfinishedLastMs : unusedLastMs;
      if (!(await isOlder(path, lastMs))) continue;
      const aside = await mkdtemp(join(directory, '.gone-'));
      const there = join(aside, name);
      await replaceFile(path, there).catch(() => {});
      // Keeps it for a process that has just begun to use it.
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
