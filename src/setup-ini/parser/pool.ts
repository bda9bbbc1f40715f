import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../records.ts';
import type { Dependency } from '../records.ts';

export const NO_DEPENDENCIES: readonly Dependency[] = [];

/** Leaves each dependency of a list in once, where it stands first, as setup's solver keeps them.
 *  Source: libsolv `solvable_add_deparray`; the 2014 index has such lists. */
export function distinct(list: readonly Dependency[]): readonly Dependency[] {
  if (list.length < 2 || isShortAndDistinct(list)) return list;
  const seen = new Set<string>();
  for (const one of list) seen.add(keyOf(one));
  if (seen.size === list.length) return list;
  return list.filter((one) => seen.delete(keyOf(one)));
}

/** Whether no two entries are the same object, of a short list without criteria: {@link DependencyPool.named} makes one object
 *  of equal names, and comparing a few objects is cheaper than a set of texts. */
function isShortAndDistinct(list: readonly Dependency[]): boolean {
  if (list.length > 12) return false;
  for (let i = 0; i < list.length; i++) {
    const one = list[i];
    if (one?.op !== undefined) return false;
    for (let j = 0; j < i; j++) if (list[j] === one || list[j]?.name === one?.name) return false;
  }
  return true;
}

function keyOf({ name, op, version }: Dependency): string {
  return op === undefined ? name : `${name}\0${op}${version}`;
}

/** Entries kept in each cache before it starts afresh. */
const MOST_ENTRIES = 1 << 17;
const LONGEST_SHARED_NAME = 1024;
/** Input after which the caches start afresh: their keys may be slices that keep whole chunks alive. */
const CACHED_BYTES = 48 * 1024 * 1024;

/** Shares equal dependencies and equal lists within one parse, in bounded memory. */
export class DependencyPool {
  /** Lists by the text they were read from. */
  readonly commaLists = new Map<string, readonly Dependency[]>();
  readonly blankLists = new Map<string, readonly Dependency[]>();
  readonly wordLists = new Map<string, readonly string[]>();
  readonly #byName = new Map<string, Dependency>();
  #forgetAt = CACHED_BYTES;

  /** The dependency on any version of `name`; shared unless the name is absurdly long. */
  named(name: string): Dependency {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made: Dependency = { name: name === SELF_DESTRUCT_WRITTEN ? SELF_DESTRUCT_READ : name };
    if (name.length <= LONGEST_SHARED_NAME) this.#byName.set(name, made);
    return made;
  }

  /** Called between chunks with the bytes read so far. */
  trim(bytesRead: number): void {
    const size = Math.max(this.#byName.size, this.commaLists.size, this.blankLists.size, this.wordLists.size);
    if (bytesRead < this.#forgetAt && size < MOST_ENTRIES) return;
    this.#forgetAt = bytesRead + CACHED_BYTES;
    this.#byName.clear();
    this.commaLists.clear();
    this.blankLists.clear();
    this.wordLists.clear();
  }
}
