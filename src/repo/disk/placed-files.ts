import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { CygstrapError } from '../../errors.ts';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { hasCode, ioError } from '../../io/system-error.ts';
import { PLACED_NAME, ownFile } from '../files/layout.ts';

/** First line of the file. The number changes when the format of the other lines changes. */
const HEADER = 'cygstrap placed files 1';

/** A path in quotes, relative to the root. Any other line is ignored, such as one that was cut off when the process was
 *  killed. */
const LINE = /^"([^"]+)"$/;

/** The paths at which cygstrap may replace and delete files: it has put a file there, is about to, or has taken it over
 *  with a download directory of setup. Lifetime: one command. */
export class PlacedFiles {
  readonly #path: string;
  readonly #keyOf: (path: string) => string;
  readonly #paths: Map<string, string>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, keyOf: (path: string) => string, paths: Iterable<string>) {
    this.#path = path;
    this.#keyOf = keyOf;
    this.#paths = new Map([...paths].map((each) => [keyOf(each), each]));
  }

  /** Reads the list of a repo; undefined if it has none. `keyOf` converts paths so that names of one file are equal.
   *  Throws `repo` for the list of a later cygstrap, and `io`. */
  static read(root: string, keyOf: (path: string) => string): PlacedFiles | undefined {
    const path = ownFile(root, PLACED_NAME);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw ioError(error, 'read', path);
    }
    const [header, ...lines] = text.split('\n');
    if (header !== HEADER) {
      throw new CygstrapError('repo', `cannot read the list of placed files: \`${path}\``, {
        hint: 'it is damaged, or written by a later cygstrap; remove it and run `cygstrap fetch` again',
      });
    }
    return new PlacedFiles(
      path,
      keyOf,
      lines.flatMap((line) => LINE.exec(line)?.[1] ?? []),
    );
  }

  /** Returns a list that is not on the disk yet; see `write`. */
  static of(root: string, keyOf: (path: string) => string, paths: Iterable<string>): PlacedFiles {
    return new PlacedFiles(ownFile(root, PLACED_NAME), keyOf, paths);
  }

  /** Returns whether a file at this path, relative to the root of the repo, may be replaced and deleted. */
  has(path: string): boolean {
    return this.#paths.has(this.#keyOf(path));
  }

  /** Adds paths, and flushes the list to the disk. Concurrent calls wait for each other. Throws `io`. */
  async add(paths: Iterable<string>): Promise<void> {
    const added = [...paths].filter((path) => !this.has(path));
    if (added.length === 0) return;
    const writing = this.#writing.then(() => this.#append(added));
    this.#writing = writing.catch(() => undefined);
    await writing;
    for (const path of added) this.#paths.set(this.#keyOf(path), path);
  }

  /** Removes paths. Throws `io`. */
  async remove(paths: Iterable<string>): Promise<void> {
    let isChanged = false;
    for (const path of paths) isChanged = this.#paths.delete(this.#keyOf(path)) || isChanged;
    if (isChanged) await this.write();
  }

  /** Writes the whole list. Throws `io`. */
  async write(): Promise<void> {
    try {
      await writeFileAtomically(this.#path, `${HEADER}\n${print(this.#paths.values())}`, { durable: true });
    } catch (error) {
      throw ioError(error, 'write', this.#path);
    }
  }

  async #append(paths: readonly string[]): Promise<void> {
    try {
      const file = await open(this.#path, 'a');
      try {
        // The leading newline ends a line that was cut off.
        await file.writeFile(`\n${print(paths)}`);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw ioError(error, 'write', this.#path);
    }
  }
}

function print(paths: Iterable<string>): string {
  return [...paths].map((path) => `"${path}"\n`).join('');
}
