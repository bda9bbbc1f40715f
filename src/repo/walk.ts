import { readdirSync, type Dirent } from 'node:fs';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, OWN_DIR, OWN_SUFFIXES } from './files/layout.ts';

/** A name in a repo that is no directory. */
export interface RepoEntry {
  /** Relative to the base it was found in. */
  readonly path: string;
  /** `leftover`: unfinished, of ours or of setup's. `index`: an index or its signature. `other`: no file of data, such as a
   *  symbolic link, which is never followed. */
  readonly kind: 'file' | 'leftover' | 'index' | 'other';
}

/** Lists everything below a base of a repo, our own directory and `leaveOut` (directories right below it) aside; in byte order
 *  of paths. Throws `io`. */
export function walkBase(root: string, base: string, leaveOut: readonly string[] = []): RepoEntry[] {
  const entries: RepoEntry[] = [];
  const top = base === '' ? root : `${root}/${base}`;
  const visit = (directory: string, prefix: string): void => {
    for (const entry of namesIn(directory)) {
      const path = `${prefix}${entry.name}`;
      if (prefix === '' && (entry.name === OWN_DIR || leaveOut.includes(entry.name))) continue;
      if (entry.isDirectory()) visit(`${directory}/${entry.name}`, `${path}/`);
      else entries.push({ path, kind: kindOf(path, entry) });
    }
  };
  visit(top, '');
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function kindOf(path: string, entry: Dirent): RepoEntry['kind'] {
  if (!entry.isFile()) return 'other';
  const name = entry.name.toLowerCase();
  if (OWN_SUFFIXES.some((suffix) => name.endsWith(suffix))) return 'leftover';
  return path.split('/').length === 2 && INDEX_NAME.test(name) ? 'index' : 'file';
}

function namesIn(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    // Gone since it was listed.
    if (hasCode(error, 'ENOENT')) return [];
    throw ioError(error, 'list', directory);
  }
}
