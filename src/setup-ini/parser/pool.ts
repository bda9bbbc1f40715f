import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../records.ts';
import type { Dependency } from '../records.ts';
import { ByteTable, NO_ENTRY } from './byte-table.ts';
import { bytesOf } from './text.ts';

export const NO_DEPENDENCIES: readonly Dependency[] = [];

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

/** Entries kept in each cache before it starts afresh. */
const MOST_ENTRIES = 1 << 17;
const LONGEST_SHARED_NAME = 1024;
/** Input after which the caches start afresh: their values may hold slices that keep whole chunks alive. */
const CACHED_BYTES = 48 * 1024 * 1024;

/** Shares equal dependencies and equal lists within one parse, in bounded memory. */
export class DependencyPool {
  /** Lists by the bytes they were read from. */
  readonly commaLists = new ByteTable<readonly Dependency[]>();
  readonly blankLists = new ByteTable<readonly Dependency[]>();
  readonly wordLists = new ByteTable<readonly string[]>();
  readonly #byName = new ByteTable<Dependency>();
  #forgetAt = CACHED_BYTES;
  /** For each entry of {@link #byName} the last list it was in. */
  #lastList = new Int32Array(1 << 10);
  #list = 0;
  #isRepeated = false;

  /** Begins a list of names; {@link DependencyPool.isRepeated} speaks of this one then. */
  beginList(): void {
    this.#list++;
    this.#isRepeated = false;
  }

  /** Whether a name may have come twice since {@link DependencyPool.beginList}: false is certain. */
  get isRepeated(): boolean {
    return this.#isRepeated;
  }

  /** The dependency on any version of the name that stands in `bytes` from `start` to `end`, and in `text`, which is
   *  `latin1(bytes)`. Usually one object for one name; never for one absurdly long. */
  named(bytes: Uint8Array, text: string, start: number, end: number): Dependency {
    let entry = this.#byName.find(bytes, start, end);
    if (entry === NO_ENTRY) {
      const name = text.slice(start, end);
      const made: Dependency = { name: name === SELF_DESTRUCT_WRITTEN ? SELF_DESTRUCT_READ : name };
      if (end - start <= LONGEST_SHARED_NAME) entry = this.#byName.add(bytes, start, end, made);
      this.#mark(entry);
      return made;
    }
    this.#mark(entry);
    return this.#byName.at(entry);
  }

  #mark(entry: number): void {
    if (entry === NO_ENTRY) {
      this.#isRepeated = true;
      return;
    }
    if (entry >= this.#lastList.length) {
      const longer = new Int32Array(this.#lastList.length * 2);
      longer.set(this.#lastList);
      this.#lastList = longer;
    }
    if (this.#lastList[entry] === this.#list) this.#isRepeated = true;
    this.#lastList[entry] = this.#list;
  }

  /** The same for a word of the grammar. */
  namedBy(word: string): Dependency {
    return this.named(bytesOf(word), word, 0, word.length);
  }

  /** Called between chunks with the bytes read so far. */
  trim(bytesRead: number): void {
    const size = Math.max(this.#byName.size, this.commaLists.size, this.blankLists.size, this.wordLists.size);
    if (bytesRead < this.#forgetAt && size < MOST_ENTRIES) return;
    this.#forgetAt = bytesRead + CACHED_BYTES;
    this.#byName.clear();
    this.#lastList.fill(0);
    this.commaLists.clear();
    this.blankLists.clear();
    this.wordLists.clear();
  }
}
