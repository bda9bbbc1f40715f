import { lstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';

/** What is at a path below a root directory. */
export type Found =
  | { readonly kind: 'file' | 'directory' | 'other'; readonly status: BigIntStats }
  /** The path is or leads through a symbolic link (on Windows also a junction); `link` is the link, relative to the
   *  root. */
  | { readonly kind: 'link'; readonly link: string }
  | { readonly kind: 'missing' };

/** Finds out what is at `path`, relative to `root` with slashes, without following symbolic links below `root`.
 *  `known` keeps the results for directories; calls of one scan share it. Throws errors of the system, except those
 *  of a missing file. */
export function lookBelow(root: string, path: string, known = new Map<string, Found>()): Found {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const above = parent === '' ? undefined : known.get(parent);
  if (above !== undefined) return within(above) ?? look(root, path);
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
    const directory = path.slice(0, end);
    const found = known.get(directory) ?? look(root, directory);
    known.set(directory, found);
    const ended = within(found);
    if (ended !== undefined) return ended;
  }
  return look(root, path);
}

/** What any path below a directory is, if that is certain. */
function within(found: Found): Found | undefined {
  if (found.kind === 'directory') return undefined;
  return found.kind === 'link' ? found : { kind: 'missing' };
}

function look(root: string, path: string): Found {
  const status = lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
  if (status === undefined) return { kind: 'missing' };
  if (status.isSymbolicLink()) return { kind: 'link', link: path };
  return { kind: status.isDirectory() ? 'directory' : status.isFile() ? 'file' : 'other', status };
}
