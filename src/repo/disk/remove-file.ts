import { rmSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, ioError } from '../../io/system-error.ts';

/** Deletes a file of a repo, if it exists, and the directories that become empty, but not the first one below the root.
 *  Throws `io`.
 *  @param path relative to the root */
export function removeFile(root: string, path: string): void {
  const location = `${root}/${path}`;
  try {
    rmSync(location, { force: true });
  } catch (error) {
    throw ioError(error, 'delete', location);
  }
  for (let directory = dirname(path); directory.includes('/'); directory = dirname(directory))
    if (!removeIfEmpty(`${root}/${directory}`)) return;
}

/** Deletes a directory if it is empty. Returns whether it did. Throws `io`. */
export function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return false;
    throw ioError(error, 'delete', directory);
  }
}
