import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, readlink, rename, rm, symlink, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CygstrapError } from '../errors.ts';
import { temporaryPathOf } from '../io/atomic-file.ts';
import { identityOf } from '../io/file-identity.ts';
import { hasCode, ioError } from '../io/system-error.ts';

export interface CopyOptions {
  /** Returns the name of a file in the target directory, or undefined if it cannot exist there. */
  readonly nameOf: (name: string) => string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Files that are copied at the same time. */
const FILES_AT_ONCE = 16;

/** How many failures a message lists. */
const LISTED_FAILURES = 5;

/** More than the resolution of the times of files. */
const CLOCK_TICK_MS = 20;

const CHANGED = 'it changed while it was copied';

const PIECE_BYTES = 1024 * 1024;

const MODE_BITS = 0o777;

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Copies the content of a directory into another, with times and permissions, and keeps the other files there.
 *  Symbolic links are copied as links. No link below `from` or `to` is followed, even if a file is replaced by a link
 *  meanwhile. A file appears complete or not at all. Copies everything that can be copied; then throws `io` with the
 *  files that were not: changed while they were copied, neither file, directory nor link, with a name that cannot exist
 *  there, or refused by the system. Throws the reason of the signal. Linux only.
 *  @param to created if it does not exist */
export async function copyTree(from: string, to: string, { nameOf, signal }: CopyOptions): Promise<void> {
  const failures: Failure[] = [];
  try {
    await mkdir(to, { recursive: true });
    await using root = await open(from, O_RDONLY | O_DIRECTORY);
    await copyContent(root, to, { nameOf, signal, failures, path: '' });
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(error, 'copy', from);
  }
  if (failures.length === 0) return;
  failures.sort((a, b) => (a.path < b.path ? -1 : 1));
  const listed = failures.slice(0, LISTED_FAILURES).map(({ path, why }) => `${quoted(path)}: ${why}`);
  const more = failures.length > listed.length ? `; and ${failures.length - listed.length} more` : '';
  throw new CygstrapError('io', `not everything in \`${from}\` was copied to \`${to}\`: ${listed.join('; ')}${more}`, {
    details: { failures },
  });
}

type Failure = { readonly path: string; readonly why: string };

interface Copying extends CopyOptions {
  readonly failures: Failure[];
  /** Of the directory below `from`, with a slash at its end; empty for `from`. */
  readonly path: string;
}

/** Copies the content of an open directory. Throws errors that every further file would have too. */
async function copyContent(from: FileHandle, to: string, copying: Copying): Promise<void> {
  const { nameOf, signal, failures, path } = copying;
  // Paths through the open directory: its name can be given to a link meanwhile.
  const source = `/proc/self/fd/${from.fd}`;
  const taken = new Set<string>();
  const copyEntry = async (entry: Dirent<Buffer>): Promise<void> => {
    const name = entry.name.toString();
    const targetName = entry.name.equals(Buffer.from(name)) ? nameOf(name) : undefined;
    const [original, target] = [`${source}/${name}`, join(to, targetName ?? '')];
    try {
      if (targetName === undefined) throw new NotCopied('its name cannot exist there');
      if (taken.has(targetName)) throw new NotCopied(`another file is called ${quoted(targetName)} there`);
      taken.add(targetName);
      if (entry.isFile()) await copyRegularFile(original, target);
      else if (entry.isDirectory()) await copyDirectory(original, target, { ...copying, path: `${path}${name}/` });
      else if (entry.isSymbolicLink()) await copyLink(original, target);
      else throw new NotCopied('it is neither a file nor a directory');
    } catch (error) {
      if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS')) throw error;
      failures.push({ path: `${path}${name}`, why: reasonOf(error) });
    }
  };
  const entries = await readdir(source, { withFileTypes: true, encoding: 'buffer' });
  const files = entries.filter((entry) => !entry.isDirectory()).toReversed();
  const worker = async (): Promise<void> => {
    try {
      for (let next = files.pop(); next !== undefined; next = files.pop()) {
        signal?.throwIfAborted();
        await copyEntry(next);
      }
    } catch (error) {
      files.length = 0;
      throw error;
    }
  };
  // All have ended before the directory is closed.
  for (const ended of await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker)))
    if (ended.status === 'rejected') throw ended.reason;
  // One after the other: a path has one open directory for each of its components.
  for (const entry of entries) {
    signal?.throwIfAborted();
    if (entry.isDirectory()) await copyEntry(entry);
  }
}

/** Returns a path in quotes; the characters of private use that stand for others in shares are visible. */
function quoted(path: string): string {
  return JSON.stringify(path).replaceAll(/[\ue000-\uf8ff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

/** Why a file was not copied. */
class NotCopied extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof NotCopied) return error.message;
  if (hasCode(error, 'ELOOP')) return 'it was replaced by a link while it was copied';
  if (hasCode(error, 'ENOENT')) return 'it was removed while it was copied';
  const known = ioError(error, '', '');
  if (!(known instanceof CygstrapError)) throw error;
  return known.message.slice(known.message.indexOf(': ') + 2);
}

async function copyDirectory(from: string, to: string, copying: Copying): Promise<void> {
  await using directory = await open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const { mode, atime, mtime } = await directory.stat();
  await mkdir(to).catch(async (error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
    if (!(await lstat(to)).isDirectory()) throw new NotCopied('a file or link has its name there');
  });
  await copyContent(directory, to, copying);
  await chmod(to, mode & MODE_BITS);
  await utimes(to, atime, mtime);
}

async function copyRegularFile(from: string, to: string): Promise<void> {
  // Opening a FIFO returns at once.
  await using file = await open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const status = await file.stat();
  if (!status.isFile()) throw new NotCopied('it is neither a file nor a directory');
  const opened = `/proc/self/fd/${file.fd}`;
  // Two writes within one tick of the clock leave the same times.
  const ageMs = Date.now() - status.ctimeMs;
  if (ageMs < CLOCK_TICK_MS) await delay(Math.min(CLOCK_TICK_MS - ageMs, CLOCK_TICK_MS));
  const identity = await identityOf(opened);
  await replaceBy(to, async (temporary) => {
    await using copy = await open(temporary, 'wx', 0o600);
    await copyBytes(file, copy, status.size);
    if ((await identityOf(opened)) !== identity) throw new NotCopied(CHANGED);
    await copy.chmod(status.mode & MODE_BITS);
    await copy.utimes(status.atime, status.mtime);
  });
}

/** Copies bytes by hand: `copyFile` of Node.js 20 never ends if the file is truncated meanwhile. */
async function copyBytes(from: FileHandle, to: FileHandle, sizeBytes: number): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(sizeBytes, PIECE_BYTES));
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await from.read(piece, 0, Math.min(piece.length, sizeBytes - at), at);
    if (bytesRead === 0) throw new NotCopied(CHANGED);
    await to.writeFile(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function copyLink(from: string, to: string): Promise<void> {
  const target = await readlink(from, { encoding: 'buffer' });
  await replaceBy(to, (temporary) => symlink(target, temporary));
}

/** Creates a file under a temporary name and renames it to `to`. The temporary name is short, as that of the file can
 *  be the longest that is possible. A failure leaves nothing. */
async function replaceBy(to: string, create: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPathOf(join(dirname(to), '.cygstrap'));
  try {
    await create(temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
