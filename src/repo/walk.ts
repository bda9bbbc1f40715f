import { readdirSync, type Dirent } from 'node:fs';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, OWN_DIR, OWN_SUFFIXES } from './files/layout.ts';

/** A name in a repo that is not a directory. */
export interface RepoEntry {
  /** Relative to the base it was found in. */
  readonly path: string;
  /** `leftover`: an unfinished file of cygstrap or setup. `index`: an index or its signature. `link`: a symbolic link,
   *  which is not followed. `other`: a device, socket or pipe. */
  readonly kind: 'file' | 'leftover' | 'index' | 'link' | 'other';
}

/** Lists everything below a base of a repo except the directory `.cygstrap` and the names directly below the base that
 *  `isSkipped` selects, in byte order of paths. Throws `io`. */
export function walkBase(root: string, base: string, isSkipped: (name: string) => boolean): RepoEntry[] {
  const entries: RepoEntry[] = [];
  const top = base === '' ? root : `${root}/${base}`;
  const visit = (directory: string, prefix: string): void => {
    for (const entry of namesIn(directory)) {
      const path = `${prefix}${entry.name}`;
      if (prefix === '' && (entry.name === OWN_DIR || isSkipped(entry.name))) continue;
      if (entry.isDirectory()) visit(`${directory}/${entry.name}`, `${path}/`);
      else entries.push({ path, kind: kindOf(path, entry) });
    }
  };
  visit(top, '');
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function kindOf(path: string, entry: Dirent): RepoEntry['kind'] {
  if (entry.isSymbolicLink()) return 'link';
  if (!entry.isFile()) return 'other';
  const name = entry.name.toLowerCase();
  if (OWN_SUFFIXES.some((suffix) => name.endsWith(suffix))) return 'leftover';
  return path.split('/').length === 2 && INDEX_NAME.test(name) ? 'index' : 'file';
}

function namesIn(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    // Removed since it was listed.
    if (hasCode(error, 'ENOENT')) return [];
    throw ioError(error, 'list', directory);
  }
}
