import { dirname, relative, sep } from 'node:path';
import { makeDirectory } from '../../io/directories.ts';
import { lookBelow } from '../../io/no-follow.ts';
import type { Found } from '../../io/no-follow.ts';
import { linkError } from '../files/links.ts';

/** Creates directories, and remembers which exist. */
export class Directories {
  readonly #root: string | undefined;
  readonly #known = new Map<string, Promise<void>>();
  readonly #found = new Map<string, Found>();

  /** @param root The repo, below which no symbolic link is followed; undefined for directories outside of repos. */
  constructor(root: string | undefined) {
    this.#root = root;
  }

  /** Creates the directory of a file and its missing parents. Throws `repo` for a symbolic link on the way, and errors
   *  of the system. */
  async createFor(location: string): Promise<void> {
    const directory = dirname(location);
    const known = this.#known.get(directory);
    if (known !== undefined) return known;
    const created = this.#create(directory);
    this.#known.set(directory, created);
    try {
      await created;
    } catch (error) {
      this.#known.delete(directory);
      throw error;
    }
  }

  /** Forgets what exists, after another process has removed a directory. */
  forget(): void {
    this.#known.clear();
    this.#found.clear();
  }

  async #create(directory: string): Promise<void> {
    const root = this.#root;
    if (root !== undefined) {
      const found = lookBelow(root, relative(root, directory).replaceAll(sep, '/'), this.#found);
      if (found.kind === 'link') throw linkError(root, found.link);
      if (found.kind === 'directory') return;
      this.#found.clear();
    }
    await makeDirectory(directory);
  }
}
