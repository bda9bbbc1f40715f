import { closeSync, constants, fstatSync, lstatSync, openSync, read, readSync, realpathSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../io/system-error.ts';
import { lookBelow } from '../io/no-follow.ts';
import type { FileState } from './conditions.ts';
import type { ListedEntry } from './listing.ts';
import { isHidden } from './path.ts';
import { SMALL_BYTES } from './small-files.ts';
import type { SmallFile, SmallFiles } from './small-files.ts';

/** Result of looking up a path of the repo. */
export type Found =
  /** The caller closes the file. */
  | { readonly kind: 'file'; readonly file: OpenFile | SmallFile }
  | { readonly kind: 'directory'; readonly path: string }
  /** `link`: the symbolic link on the way, relative to the root. */
  | { readonly kind: 'refused'; readonly status: 403 | 404; readonly link?: string };

/** An open file and its state when it was opened. */
export interface OpenFile {
  readonly descriptor: number;
  readonly state: FileState;
}

/** Without waiting for the writer of a pipe, and without following a link that was made after the look-up. Both are
 *  missing on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Opens a file or directory below a root, which is a real path. Symbolic links below the root are not followed, by the
 *  rule of all commands. Synchronous: these calls take less time than one change to a thread of Node.js and back.
 *  A small file is closed again, and its content is kept in `small`.
 *  Throws errors of the system other than absence and missing permission. */
export function find(root: string, names: readonly string[], small?: SmallFiles): Found {
  try {
    const named = names.length === 0 ? root : `${root}${sep}${names.join(sep)}`;
    const path = realpathSync.native(named);
    if (path !== named) {
      const link = linkOn(root, names);
      if (link !== undefined) return { kind: 'refused', status: 403, link };
      // On a file system that ignores case, or with a short name of Windows, which can stand for a hidden name.
      if (!isServed(root, path)) return { kind: 'refused', status: 404 };
    }
    const status = lstatSync(path, { bigint: true });
    if (status.isDirectory()) return { kind: 'directory', path };
    const file = status.isFile() ? (small?.get(path, etagOf(status)) ?? openFile(path, small)) : undefined;
    return file === undefined ? { kind: 'refused', status: 404 } : { kind: 'file', file };
  } catch (error) {
    // A link that leads to nothing is a link all the same.
    const link = linkOn(root, names);
    if (link !== undefined) return { kind: 'refused', status: 403, link };
    const status = STATUS[codeOf(error) ?? ''];
    if (status === undefined) throw error;
    return { kind: 'refused', status };
  }
}

/** Returns the symbolic link on a path, relative to the root. */
function linkOn(root: string, names: readonly string[]): string | undefined {
  try {
    const found = lookBelow(root, names.join('/'));
    return found.kind === 'link' ? found.link : undefined;
  } catch {
    // The caller has the reason why the path cannot be looked up.
    return undefined;
  }
}

const STATUS: Readonly<Record<string, 403 | 404>> = {
  ENOENT: 404,
  ENOTDIR: 404,
  ELOOP: 404,
  ENAMETOOLONG: 404,
  EINVAL: 404,
  EACCES: 403,
  EPERM: 403,
};

/** Returns whether a real path is the root or below it, without a hidden name in between. */
function isServed(root: string, path: string): boolean {
  if (path === root) return true;
  const below = relative(root, path);
  return below !== '' && !below.startsWith(`..${sep}`) && below.split(sep).every((name) => !isHidden(name));
}

/** Opens a file; returns undefined if it is no file any more. */
function openFile(path: string, small: SmallFiles | undefined): OpenFile | SmallFile | undefined {
  const descriptor = openSync(path, OPEN_FLAGS);
  let isLarge = false;
  try {
    const status = fstatSync(descriptor, { bigint: true });
    if (!status.isFile()) return undefined;
    const sizeBytes = Number(status.size);
    const state = { sizeBytes, etag: etagOf(status), modifiedMs: Number(status.mtimeMs) };
    isLarge = sizeBytes > SMALL_BYTES;
    if (isLarge) return { descriptor, state };
    const file = { state, content: readPart({ descriptor, state }, 0, sizeBytes) };
    small?.keep(path, file, Number(status.ctimeMs));
    return file;
  } finally {
    if (!isLarge) closeSync(descriptor);
  }
}

/** The entity tag consists of size, inode and time of the last status change in nanoseconds, which programs cannot set
 *  back. Files of a repo are replaced, never changed, so two states never share a tag. A new hard link costs a client
 *  one more request. The tag is not a digest: verifying a file is the task of the client. */
function etagOf({ size, ctimeNs, ino }: BigIntStats): string {
  return `"${size.toString(36)}-${ctimeNs.toString(36)}-${ino.toString(36)}"`;
}

const STATS_AT_ONCE = 64;

/** Returns the entries of a directory, unsorted, without those that {@link find} rejects. */
export async function list(root: string, directory: string): Promise<ListedEntry[]> {
  const names = (await readdir(directory)).filter((name) => !isHidden(name));
  const entries: (ListedEntry | undefined)[] = [];
  for (let i = 0; i < names.length; i += STATS_AT_ONCE) {
    entries.push(
      ...(await Promise.all(
        names.slice(i, i + STATS_AT_ONCE).map((name) => entryOf(root, join(directory, name), name)),
      )),
    );
  }
  return entries.filter((entry) => entry !== undefined);
}

async function entryOf(root: string, path: string, name: string): Promise<ListedEntry | undefined> {
  try {
    if (!isServed(root, await realpath(path))) return undefined;
    const status = await lstat(path);
    if (!status.isFile() && !status.isDirectory()) return undefined;
    return { name, sizeBytes: status.isFile() ? status.size : undefined, modifiedMs: status.mtimeMs };
  } catch {
    // Removed meanwhile.
    return undefined;
  }
}

/** Larger pieces are not faster and use more memory per client. */
const PIECE_BYTES = 512 * 1024;

const readAt = promisify(read);

/** Reads a part of a file, in pieces and without blocking. Throws if the file ends early. */
export async function* piecesOf(
  { descriptor }: OpenFile,
  start: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let done = 0; done < lengthBytes;) {
    const wanted = Math.min(PIECE_BYTES, lengthBytes - done);
    const { bytesRead, buffer } = await readAt(descriptor, Buffer.allocUnsafeSlow(wanted), 0, wanted, start + done);
    if (bytesRead === 0) throw truncated();
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Reads a small part of a file at once. Throws if the file ends early. */
export function readPart(file: OpenFile | SmallFile, start: number, lengthBytes: number): Uint8Array {
  if ('content' in file) return file.content.subarray(start, start + lengthBytes);
  const bytes = Buffer.allocUnsafe(lengthBytes);
  for (let done = 0; done < lengthBytes;) {
    const bytesRead = readSync(file.descriptor, bytes, done, lengthBytes - done, start + done);
    if (bytesRead === 0) throw truncated();
    done += bytesRead;
  }
  return bytes;
}

/** Closes a file of {@link find}. */
export function closeFile(file: OpenFile | SmallFile): void {
  if ('descriptor' in file) closeSync(file.descriptor);
}

function truncated(): Error {
  return new Error('the file was truncated while it was sent');
}
