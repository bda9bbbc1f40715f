import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes directories, each once in its lifetime. */
export class Directories {
  readonly #made = new Set<string>();

  /** Makes the directory a file is to lie in, and what is missing above it. Not `mkdir` with `recursive`, which goes round for
   *  ever where a file system says ENOENT to every new directory, as /proc does (Node.js 20). Throws errors of the system. */
  makeFor(location: string): void {
    const directory = dirname(location);
    if (this.#made.has(directory)) return;
    makeDirectory(directory);
    this.#made.add(directory);
  }
}

/** Makes a directory that may be there already, and what is missing above it. It names nothing outside of itself but what is given, so
 *  that a thread can be started with its text. Throws errors of the system. */
export function makeDirectory(directory: string, system: MakeSystem = { mkdirSync, dirname }): void {
  // From the one that is wanted up to the highest that is missing.
  const missing = [directory];
  let isUpward = true;
  for (let next = missing.at(-1); next !== undefined; next = missing.at(-1)) {
    try {
      system.mkdirSync(next);
      isUpward = false;
      missing.pop();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const above = system.dirname(next);
      if (code === 'EEXIST') {
        isUpward = false;
        missing.pop();
      } else if (code === 'ENOENT' && isUpward && above !== next) missing.push(above);
      else throw error;
    }
  }
}

interface MakeSystem {
  readonly mkdirSync: (path: string) => unknown;
  readonly dirname: (path: string) => string;
}
