/** What a search answers when there is no such entry. */
export const NO_ENTRY = -1;

const FIRST_SLOTS = 1 << 11;
const FIRST_ARENA_BYTES = 1 << 15;

/** Places looked at for one key. Keys that an enemy made to collide are then not kept, instead of each costing more than the last. */
const MOST_PROBES = 32;

/** A map from runs of bytes to values that is asked without making a text of the key first: of the time to parse an index,
 *  a fifth went into hashing short texts that were thrown away. It may forget: what is put in is usually, not always, found. */
export class ByteTable<T> {
  /** Number of the entry, from 1; 0 where none is. Its length is a power of two. */
  #slots = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS >> 1);
  /** Where the key of each entry begins in `#arena`; it ends where the next begins. */
  #starts = new Int32Array((FIRST_SLOTS >> 1) + 1);
  #arena = new Uint8Array(FIRST_ARENA_BYTES);
  #values: T[] = [];
  #lastHash = 0;
  /** The free slot at which the last search ended; -1 when it gave up. */
  #lastSlot = -1;

  get size(): number {
    return this.#values.length;
  }

  /** Number of the entry put in for `bytes` from `start` to `end`, from 0; {@link NO_ENTRY} when there is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const slots = this.#slots;
    const mask = slots.length - 1;
    this.#lastHash = hash;
    let slot = hash & mask;
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const entry = slots[slot]! - 1;
      if (entry < 0) {
        this.#lastSlot = slot;
        return NO_ENTRY;
      }
      if (this.#hashes[entry] === hash && this.#isKey(entry, bytes, start, end)) return entry;
      slot = (slot + 1) & mask;
    }
    this.#lastSlot = -1;
    return NO_ENTRY;
  }

  /** The value of an entry. */
  at(entry: number): T {
    return this.#values[entry]!;
  }

  /** Puts in a value for the key that {@link ByteTable.find} has just looked for in vain; returns the number of the entry,
   *  {@link NO_ENTRY} when it is not kept. */
  add(bytes: Uint8Array, start: number, end: number, value: T): number {
    if (this.#lastSlot < 0) return NO_ENTRY;
    const entry = this.#values.push(value) - 1;
    this.#slots[this.#lastSlot] = entry + 1;
    this.#lastSlot = -1;
    this.#hashes[entry] = this.#lastHash;
    let to = this.#starts[entry]!;
    const after = to + end - start;
    if (after > this.#arena.length) this.#arena = grown(this.#arena, new Uint8Array(Math.max(after, this.#arena.length * 2)));
    const arena = this.#arena;
    for (let at = start; at < end; at++) arena[to++] = bytes[at]!;
    this.#starts[entry + 1] = after;
    if (entry + 1 === this.#hashes.length) this.#grow();
    return entry;
  }

  clear(): void {
    this.#slots = new Int32Array(FIRST_SLOTS);
    this.#hashes = new Int32Array(FIRST_SLOTS >> 1);
    this.#starts = new Int32Array((FIRST_SLOTS >> 1) + 1);
    this.#arena = new Uint8Array(FIRST_ARENA_BYTES);
    this.#values = [];
    this.#lastSlot = -1;
  }

  #isKey(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const arena = this.#arena;
    let from = this.#starts[entry]!;
    if (this.#starts[entry + 1]! - from !== end - start) return false;
    for (let at = start; at < end; at++) if (bytes[at] !== arena[from++]) return false;
    return true;
  }

  #grow(): void {
    this.#hashes = grown(this.#hashes, new Int32Array(this.#hashes.length * 2));
    this.#starts = grown(this.#starts, new Int32Array(this.#hashes.length + 1));
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#values.length; entry++) {
      let slot = this.#hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** Four bytes a step: each step waits for the one before. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const four = Math.imul(bytes[at]!, 29791) + bytes[at + 1]! * 961 + bytes[at + 2]! * 31 + bytes[at + 3]!;
    hash = (Math.imul(hash, 923521) + four) | 0;
  }
  for (; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1); // names that differ in their last digit must not sit side by side
  return hash ^ (hash >>> 15);
}

function grown<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
