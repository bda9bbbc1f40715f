import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../records.ts';
import type { Dependency } from '../records.ts';
import { OPERATORS } from './lexicon.ts';

/** A list as the parser leaves it: entries can be made of its text later, since of most lists of an index nobody asks for them. */
export interface DependencyList {
  readonly entries: readonly Dependency[];
}

export const NO_LIST: DependencyList = { entries: [] };

/** A list in the form that the scanner checks: `NAME` or `NAME (OP VERSION)`, with the separator between. */
export class WrittenList implements DependencyList {
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
      this.#text = ''; // it may keep a whole chunk in memory
    }
    return this.#entries;
  }

  #dependency(entry: string): Dependency {
    const nameEnd = entry.indexOf(' ');
    if (nameEnd < 0) return this.#pool.named(entry);
    const operatorEnd = entry.indexOf(' ', nameEnd + 1);
    const op = OPERATORS.get(entry.slice(nameEnd + 2, operatorEnd));
    if (op === undefined) throw new Error(`the scanner let an operator pass: ${entry}`);
    return { name: this.#pool.named(entry.slice(0, nameEnd)).name, op, version: entry.slice(operatorEnd + 1, -1) };
  }
}

/** Leaves each dependency of a list in once, where it stands first, as setup's solver keeps them.
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

/** Names kept before the pool starts afresh. */
const MOST_NAMES = 1 << 17;
const LONGEST_SHARED_NAME = 1024;
/** Input after which it starts afresh: what it keeps may hold slices that keep whole chunks alive. */
const CACHED_BYTES = 48 * 1024 * 1024;

/** Shares equal dependencies within one parse: in bounded memory while it lasts. Whoever holds lists that are not made yet holds the pool
 *  too, which then grows with what is made of them. */
export class DependencyPool {
  readonly #byName = new Map<string, Dependency>();
  #clearAt = CACHED_BYTES;

  /** The dependency on any version of a name. Usually one object for one name; never for one absurdly long. */
  named(name: string): Dependency {
    let known = this.#byName.get(name);
    if (known === undefined) {
      known = { name: name === SELF_DESTRUCT_WRITTEN ? SELF_DESTRUCT_READ : name };
      if (name.length <= LONGEST_SHARED_NAME) this.#byName.set(name, known);
    }
    return known;
  }

  /** Starts afresh when it has grown too large; called between chunks with the bytes read so far. Returns whether it did. */
  trim(bytesRead: number): boolean {
    if (bytesRead < this.#clearAt && this.#byName.size < MOST_NAMES) return false;
    this.#clearAt = bytesRead + CACHED_BYTES;
    this.#byName.clear();
    return true;
  }
}
