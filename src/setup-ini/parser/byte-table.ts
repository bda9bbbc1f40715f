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

  /** The value put in for `bytes` from `start` to `end`. */
  find(bytes: Uint8Array, start: number, end: number): T | undefined {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    hash = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1); // names that differ in their last digit must not sit side by side
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const mask = slots.length - 1;
    this.#lastHash = hash;
    let slot = hash & mask;
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const entry = slots[slot]! - 1;
      if (entry < 0) {
        this.#lastSlot = slot;
        return undefined;
      }
      if (this.#hashes[entry] === hash && this.#isKey(entry, bytes, start, end)) return this.#values[entry];
      slot = (slot + 1) & mask;
    }
    this.#lastSlot = -1;
    return undefined;
  }

  /** Puts in a value for the key that {@link ByteTable.find} has just looked for in vain. */
  add(bytes: Uint8Array, start: number, end: number, value: T): void {
    if (this.#lastSlot < 0) return;
    const entry = this.#values.push(value) - 1;
    this.#slots[this.#lastSlot] = entry + 1;
    this.#lastSlot = -1;
    this.#hashes[entry] = this.#lastHash;
    const from = this.#starts[entry]!;
    const to = from + end - start;
    if (to > this.#arena.length) this.#arena = grown(this.#arena, new Uint8Array(Math.max(to, this.#arena.length * 2)));
    this.#arena.set(bytes.subarray(start, end), from);
    this.#starts[entry + 1] = to;
    if (entry + 1 === this.#hashes.length) this.#grow();
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

function grown<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
