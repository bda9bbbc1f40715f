import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, isMissing } from './system-error.ts';

/** Creates a directory and its missing parents; it may exist already. `mode` applies to the directories it creates. Replaces `mkdir`
 *  with `recursive`, which never ends on file systems that answer ENOENT for every new directory, such as /proc (Node.js 20).
 *  Throws errors of the system. */
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

/** Returns the names in a directory, without order; none if it does not exist. Throws other errors of the system. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Returns whether a file or directory exists at a path. Throws errors of the system other than a missing path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
