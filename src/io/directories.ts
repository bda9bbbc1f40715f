import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, ioError, isMissing } from './system-error.ts';

/** Creates a directory and its missing parents; it may exist already. `mode` applies to the directories it creates.
 *  Replaces `mkdir` with `recursive`, which never ends on file systems that answer ENOENT for every new directory,
 *  such as /proc (Node.js 20). Throws errors of the system. */
export async function makeDirectory(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error;
    await makeDirectory(dirname(path), mode);
    await mkdir(path, mode).catch((again: unknown) => {
      // Another process can create it between the two calls.
      if (!hasCode(again, 'EEXIST')) throw again;
    });
  }
}

/** Returns the sorted names in a directory; none if it does not exist. Throws `io`. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw ioError(error, 'read the directory', directory);
  }
}

/** Returns whether a file or directory exists at a path. Throws `io` if that cannot be read. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw ioError(error, 'read the status of', path);
  }
}
