import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { codeOf } from '../io/system-error.ts';
import { lookBelow } from '../io/no-follow.ts';
import type { FileState } from './conditions.ts';
import type { ListedEntry } from './listing.ts';
import { isHidden } from './path.ts';

/** Result of looking up a path of the repo. */
export type Found =
  /** The caller closes the handle. */
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly state: FileState }
  | { readonly kind: 'directory'; readonly path: string }
  /** `link`: the symbolic link on the way, relative to the root. */
  | { readonly kind: 'refused'; readonly status: 403 | 404; readonly link?: string };

/** Opens a file or directory below a root, which is a real path. Symbolic links below the root are not followed, by the
 *  rule of all commands. Throws errors of the system other than absence and missing permission. */
export async function find(root: string, names: readonly string[]): Promise<Found> {
  try {
    const found = lookBelow(root, names.join('/'));
    if (found.kind === 'link') return { kind: 'refused', status: 403, link: found.link };
    const path = await realpath(join(root, ...names));
    if (!isServed(root, path)) return { kind: 'refused', status: 404 };
    const status = await stat(path);
    if (status.isDirectory()) return { kind: 'directory', path };
    // Opening a pipe would wait for its writer.
    if (!status.isFile()) return { kind: 'refused', status: 404 };
    const handle = await open(path, 'r');
    return { kind: 'file', handle, state: await stateOf(handle) };
  } catch (error) {
    const status = STATUS[codeOf(error) ?? ''];
    if (status === undefined) throw error;
    return { kind: 'refused', status };
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

/** The entity tag consists of size, inode and time of the last status change in nanoseconds, which programs cannot
 *  set back. Files of a repo are replaced, never changed, so two states never share a tag. A new hard link costs a
 *  client one more request. The tag is not a digest: verifying a file is the task of the client. */
async function stateOf(handle: FileHandle): Promise<FileState> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true });
    const etag = `"${size.toString(36)}-${ctimeNs.toString(36)}-${ino.toString(36)}"`;
    return { sizeBytes: Number(size), etag, modifiedMs: Number(mtimeNs / 1_000_000n) };
  } catch (error) {
    await handle.close();
    throw error;
  }
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

/** Reads a part of a file. Throws if the file ends early. */
export async function* piecesOf(
  handle: FileHandle,
  start: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let done = 0; done < lengthBytes;) {
    const wanted = Math.min(PIECE_BYTES, lengthBytes - done);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, start + done);
    if (bytesRead === 0) throw new Error('the file was truncated while it was sent');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
