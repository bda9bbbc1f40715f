import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from './fault.ts';

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

/** Makes a directory that may be there already, and what is missing above it. Throws errors of the system. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    const above = dirname(directory);
    if (!hasCode(error, 'ENOENT') || above === directory) throw error;
    makeDirectory(above);
    try {
      mkdirSync(directory);
    } catch (again) {
      if (!hasCode(again, 'EEXIST')) throw again;
    }
  }
}
