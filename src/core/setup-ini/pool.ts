import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from './records.ts';
import type { Dependency } from './records.ts';
import { OPERATORS } from './lexicon.ts';

/** A list whose entries may be created on first access. */
export interface DependencyList {
  readonly entries: readonly Dependency[];
}

export const NO_LIST: DependencyList = { entries: [] };

/** A validated list in text form: `NAME` or `NAME (OP VERSION)` with a separator. A command reads the entries of few
 *  lists, so they are created on first access. */
export class LazyList implements DependencyList {
  #text: string;
  readonly #separator: ', ' | ' ';
  readonly #pool: DependencyPool;
  #entries: readonly Dependency[] | undefined;

  constructor(text: string, separator: ', ' | ' ', pool: DependencyPool) {
    this.#text = text;
    this.#separator = separator;
    this.#pool = pool;
  }

  get entries(): readonly Dependency[] {
    if (this.#entries === undefined) {
      this.#entries = distinct(this.#text.split(this.#separator).map((entry) => this.#dependency(entry)));
      this.#text = ''; // may be a slice that retains its chunk
    }
    return this.#entries;
  }

  #dependency(entry: string): Dependency {
    const nameEnd = entry.indexOf(' ');
    if (nameEnd < 0) return this.#pool.named(entry);
    const operatorEnd = entry.indexOf(' ', nameEnd + 1);
    const op = OPERATORS.get(entry.slice(nameEnd + 2, operatorEnd));
    if (op === undefined) throw new Error(`unknown operator in a validated list: ${entry}`);
    return { name: this.#pool.named(entry.slice(0, nameEnd)).name, op, version: entry.slice(operatorEnd + 1, -1) };
  }
}

/** Returns the list without repeated dependencies; the first occurrence stays. Setup's solver does the same.
 *  Source: libsolv `solvable_add_deparray`; the 2014 index has such lists. */
export function distinct(list: readonly Dependency[]): readonly Dependency[] {
  if (list.length < 2) return list;
  const seen = new Set<string>();
  for (const one of list) seen.add(keyOf(one));
  if (seen.size === list.length) return list;
  return list.filter((one) => seen.delete(keyOf(one)));
}

function keyOf({ name, op, version }: Dependency): string {
  return op === undefined ? name : `${name}\0${op}${version}`;
}

/** Number of names at which the pool is emptied. */
const MOST_NAMES = 1 << 17;
const LONGEST_SHARED_NAME = 1024;
/** Input in bytes after which the pool is emptied, because its names may be slices that retain chunks. */
const CACHED_BYTES = 48 * 1024 * 1024;

/** Shares equal dependencies within one parse, in bounded memory. A {@link LazyList} without entries retains the pool.
 */
export class DependencyPool {
  readonly #byName = new Map<string, Dependency>();
  #clearAt = CACHED_BYTES;

  /** Returns the dependency on any version of a name; shared unless the name is longer than LONGEST_SHARED_NAME. */
  named(name: string): Dependency {
    let known = this.#byName.get(name);
    if (known === undefined) {
      known = { name: name === SELF_DESTRUCT_WRITTEN ? SELF_DESTRUCT_READ : name };
      if (name.length <= LONGEST_SHARED_NAME) this.#byName.set(name, known);
    }
    return known;
  }

  /** Empties the pool when it is too large. Call between chunks with the bytes read so far. Returns whether it was
   *  emptied. */
  trim(bytesRead: number): boolean {
    if (bytesRead < this.#clearAt && this.#byName.size < MOST_NAMES) return false;
    this.#clearAt = bytesRead + CACHED_BYTES;
    this.#byName.clear();
    return true;
  }
}
