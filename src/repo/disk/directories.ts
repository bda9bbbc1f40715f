import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../io/system-error.ts';

/** Creates directories, and remembers which exist. */
export class Directories {
  readonly #known = new Map<string, Promise<void>>();

  /** Creates the directory of a file and its missing parents. Throws errors of the system. */
  async createFor(location: string): Promise<void> {
    const directory = dirname(location);
    const known = this.#known.get(directory);
    if (known !== undefined) return known;
    const created = createDirectory(directory);
    this.#known.set(directory, created);
    try {
      await created;
    } catch (error) {
      this.#known.delete(directory);
      throw error;
    }
  }

  /** Forgets the directory of a file, which another process has removed. */
  forget(location: string): void {
    this.#known.delete(dirname(location));
  }
}

/** Creates a directory and its missing parents, unless it exists. Not `mkdir` with `recursive`: in Node.js 20 that loops forever
 *  where a file system reports ENOENT for every new directory, as /proc does. Throws errors of the system. */
export async function createDirectory(directory: string): Promise<void> {
  // From the wanted directory up to the highest missing one, then down again.
  const missing = [directory];
  let isUpward = true;
  for (let next = missing.at(-1); next !== undefined; next = missing.at(-1)) {
    try {
      await mkdir(next);
      isUpward = false;
      missing.pop();
    } catch (error) {
      const parent = dirname(next);
      if (hasCode(error, 'EEXIST')) {
        isUpward = false;
        missing.pop();
      } else if (hasCode(error, 'ENOENT') && isUpward && parent !== next) missing.push(parent);
      else throw error;
    }
  }
}
