import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../io/system-error.ts';
import { runProgram } from '../../io/program.ts';

/** From this number of files on, one flush of the file system takes less time than one for each file. */
const MANY_FILES = 16;
const CONCURRENT_FLUSHES = 16;

/** Longer than a slow disk takes; after it the files are flushed one by one. */
const SYNC_TIMEOUT_MS = 600_000;

/** Flushes files that were written and renamed, and their names, so that they survive a loss of power. Many files are
 *  flushed by `sync -f`, which is one syncfs(2) for the file system of the repo, if that program exists (coreutils,
 *  busybox); otherwise each is flushed, several at a time. For 5,000 files of 20 KB on ext4: 90 ms instead of 600 ms.
 *  Ignores files that no longer exist. Throws errors of the system. */
export async function makeDurable(root: string, locations: readonly string[]): Promise<void> {
  if (locations.length >= MANY_FILES && (await flushFileSystem(root))) return;
  await flushEach(locations, flushFile);
  await flushEach([...new Set(locations.map((location) => dirname(location)))], flushDirectory);
}

/** Flushes the names in a directory, if the system supports that. Throws errors of the system. */
export async function makeNamesDurable(directory: string): Promise<void> {
  await flushDirectory(directory);
}

async function flushEach(paths: readonly string[], flush: (path: string) => Promise<void>): Promise<void> {
  const queue = paths.values();
  const work = async (): Promise<void> => {
    for (const path of queue) await flush(path);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_FLUSHES, paths.length) }, work));
}

async function flushFile(path: string): Promise<void> {
  try {
    // Windows flushes only files that are open for writing.
    await flush(await open(path, 'r+'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    if (!hasCode(error, 'EPERM', 'EACCES', 'EROFS')) throw error;
    await flushReadOnly(path);
  }
}

/** Flushes a read-only file, which Windows does not support. Cygstrap makes no file read-only there, so nothing is
 *  lost. */
async function flushReadOnly(path: string): Promise<void> {
  try {
    await flush(await open(path, 'r'));
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EPERM', 'EACCES', 'EROFS')) throw error;
  }
}

/** Windows cannot open directories, and some network file systems cannot flush them. */
async function flushDirectory(path: string): Promise<void> {
  try {
    await flush(await open(path, 'r'));
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF')) throw error;
  }
}

async function flush(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Runs `sync -f`; returns false if there is no such program or it fails. A program without the option `-f` fails or
 *  flushes everything; both are correct. */
async function flushFileSystem(root: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    await runProgram(['sync', '-f', '--', root], { timeoutMs: SYNC_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
