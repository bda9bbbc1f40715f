import { malformed } from './wim-bits.ts';
import type { BitReader } from './wim-bits.ts';

const MOST_BITS = 16;
/** Codewords of at most this length are found by one look into a table. */
const TABLE_BITS = 10;

/** A canonical prefix code: codewords are ordered by their length, then by their symbol ([MS-PATCH] "Huffman
 *  Trees"). */
export class PrefixCode {
  /** By the next 10 bits: symbol times 16 plus length; 0 for longer codewords. */
  readonly #table = new Uint16Array(1 << TABLE_BITS);
  /** Symbols in the order of their codewords. */
  readonly #symbols: Uint16Array;
  /** By length: the first 16 bits after all codewords of at most this length. */
  readonly #ends = new Uint32Array(MOST_BITS + 1);
  /** By length: the place in `#symbols` minus the codeword. */
  readonly #shifts = new Int32Array(MOST_BITS + 1);

  /** Takes the length of the codeword of each symbol; 0 for none. A code without codewords is accepted, and has no
   *  symbol to read. Throws `damaged` for lengths of too many or too few codewords. */
  constructor(lengths: Uint8Array) {
    const counts = new Uint16Array(MOST_BITS + 1);
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
    const places = new Uint16Array(MOST_BITS + 1);
    let [code, place] = [0, 0];
    for (let length = 1; length <= MOST_BITS; length++) {
      const count = counts[length] ?? 0;
      code <<= 1;
      places[length] = place;
      this.#shifts[length] = place - code;
      code += count;
      place += count;
      this.#ends[length] = code << (MOST_BITS - length);
      if (code > 1 << length) throw malformed('a prefix code has too many codewords');
    }
    if (place > 0 && code !== 1 << MOST_BITS) throw malformed('a prefix code has too few codewords');
    this.#symbols = new Uint16Array(place);
    for (const [symbol, length] of lengths.entries()) {
      if (length === 0) continue;
      const at = places[length] ?? 0;
      this.#symbols[at] = symbol;
      places[length] = at + 1;
      if (length > TABLE_BITS) continue;
      const first = (at - (this.#shifts[length] ?? 0)) << (TABLE_BITS - length);
      this.#table.fill((symbol << 4) | length, first, first + (1 << (TABLE_BITS - length)));
    }
  }

  /** Reads a symbol. Throws `damaged`. */
  read(bits: BitReader): number {
    const next = bits.peek();
    const entry = this.#table[next >>> (MOST_BITS - TABLE_BITS)] ?? 0;
    if (entry !== 0) {
      bits.skip(entry & 15);
      return entry >>> 4;
    }
    for (let length = TABLE_BITS + 1; length <= MOST_BITS; length++) {
      if (next >= (this.#ends[length] ?? 0)) continue;
      bits.skip(length);
      return this.#symbols[(next >>> (MOST_BITS - length)) + (this.#shifts[length] ?? 0)] ?? 0;
    }
    throw malformed('a prefix code without codewords is used');
  }
}
