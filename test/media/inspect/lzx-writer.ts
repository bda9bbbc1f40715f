import fc from 'fast-check';

// A small compressor for LZX as WIM files have it, for tests: it writes all types of blocks, codewords of all lengths
// and all kinds of matches, of which wimlib writes only some.

/** Bytes that a decoder must return, and the chunk that it gets. */
export interface LzxSample {
  readonly plain: Uint8Array;
  readonly stored: Uint8Array;
}

const TYPES = { verbatim: 1, aligned: 2, uncompressed: 3 } as const;

const token = fc.record({
  isMatch: fc.boolean(),
  literal: fc.integer({ min: 0, max: 255 }),
  length: fc.integer({ min: 2, max: 257 }),
  offset: fc.nat(),
  repeat: fc.option(fc.constantFrom(0, 1, 2)),
});
const block = fc.record({
  type: fc.constantFrom(...(Object.keys(TYPES) as (keyof typeof TYPES)[])),
  tokens: fc.array(token, { minLength: 1, maxLength: 60 }),
  offsets: fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 })),
  /** Codewords of lengths 1, 2, 3 and so on instead of similar lengths. */
  isUneven: fc.boolean(),
});

/** Draws chunks. They have no byte E8, whose addresses are translated. */
export const lzxSamples: fc.Arbitrary<LzxSample> = fc
  .array(block, { minLength: 1, maxLength: 5 })
  .map((blocks) => new Compressor().compress(blocks));

type Block = typeof block extends fc.Arbitrary<infer T> ? T : never;

/** A symbol and the bits after it: of the length code, plain, and of the aligned code. */
interface Step {
  readonly main: number;
  readonly length?: number;
  readonly slot?: number;
  readonly extra?: number;
}

const EXTRA_BITS = Array.from({ length: 30 }, (_, slot) => (slot < 4 ? 0 : Math.floor(slot / 2) - 1));
const BASES = EXTRA_BITS.map((_, slot) => EXTRA_BITS.slice(0, slot).reduce((sum, bits) => sum + 2 ** bits, 0));

class Compressor {
  readonly #plain: number[] = [];
  readonly #bits = new BitWriter();
  #recent: [number, number, number] = [1, 1, 1];
  readonly #main = new Uint8Array(496);
  readonly #length = new Uint8Array(249);

  compress(blocks: readonly Block[]): LzxSample {
    for (const each of blocks) this.#block(each);
    return { plain: Uint8Array.from(this.#plain), stored: this.#bits.bytes() };
  }

  #block({ type, tokens, offsets, isUneven }: Block): void {
    const start = this.#plain.length;
    const steps = tokens.map((each) => this.#step(each));
    const size = this.#plain.length - start;
    this.#bits.put(TYPES[type], 3);
    this.#bits.put(0, 1);
    this.#bits.put(size, 16);
    if (type === 'uncompressed') {
      this.#recent = offsets;
      this.#bits.putBytes([...offsets.flatMap((offset) => [offset, 0, 0, 0]), ...this.#plain.slice(start)]);
      return;
    }
    const aligned = new Uint8Array(8);
    if (type === 'aligned') {
      aligned.set([1, 2, 3, 4, 5, 6, 7, 7]);
      for (const length of aligned) this.#bits.put(length, 3);
    }
    const main = codeLengths(
      496,
      steps.map((step) => step.main),
      isUneven,
    );
    const length = codeLengths(
      249,
      steps.flatMap((step) => step.length ?? []),
      isUneven,
    );
    this.#putLengths(this.#main.subarray(0, 256), main.subarray(0, 256));
    this.#putLengths(this.#main.subarray(256), main.subarray(256));
    this.#putLengths(this.#length, length);
    const codes = { main: codewords(main), length: codewords(length), aligned: codewords(aligned) };
    for (const step of steps) {
      this.#bits.put(...(codes.main[step.main] ?? [0, 0]));
      if (step.length !== undefined) this.#bits.put(...(codes.length[step.length] ?? [0, 0]));
      const [count, extra] = [EXTRA_BITS[step.slot ?? 0] ?? 0, step.extra ?? 0];
      if (type === 'aligned' && count >= 3) {
        this.#bits.put(extra >> 3, count - 3);
        this.#bits.put(...(codes.aligned[extra & 7] ?? [0, 0]));
      } else this.#bits.put(extra, count);
    }
  }

  /** Adds the bytes of a literal or a match. */
  #step({ isMatch, literal, length, offset, repeat }: Block['tokens'][number]): Step {
    const at = this.#plain.length;
    if (!isMatch || at === 0) {
      const main = literal === 0xe8 ? 0 : literal;
      this.#plain.push(main);
      return { main };
    }
    const isRepeat = repeat !== null && this.#recent[repeat] <= at;
    const distance = isRepeat ? this.#recent[repeat] : 1 + (offset % Math.min(at, 32_000));
    for (let i = 0; i < length; i++) this.#plain.push(this.#plain[this.#plain.length - distance] ?? 0);
    const slot = isRepeat ? repeat : BASES.findLastIndex((base) => base <= distance + 2);
    if (isRepeat) {
      this.#recent[repeat] = this.#recent[0];
      this.#recent[0] = distance;
    } else this.#recent = [distance, this.#recent[0], this.#recent[1]];
    const main = 256 + slot * 8 + Math.min(length - 2, 7);
    const extra = isRepeat ? 0 : distance + 2 - (BASES[slot] ?? 0);
    return { main, slot, extra, ...(length >= 9 && { length: length - 9 }) };
  }

  /** Writes lengths as differences, with runs. */
  #putLengths(before: Uint8Array, lengths: Uint8Array): void {
    const symbols: (readonly [symbol: number, extra: number, extraBits: number, difference?: number])[] = [];
    const difference = (at: number): number => ((before[at] ?? 0) - (lengths[at] ?? 0) + 17) % 17;
    for (let at = 0; at < lengths.length;) {
      let run = 1;
      while (run < 51 && at + run < lengths.length && lengths[at + run] === lengths[at]) run++;
      if (lengths[at] === 0 && run >= 20) symbols.push([18, run - 20, 5]);
      else if (lengths[at] === 0 && run >= 4) symbols.push([17, (run = Math.min(run, 19)) - 4, 4]);
      else if (run >= 4) symbols.push([19, (run = Math.min(run, 5)) - 4, 1, difference(at)]);
      else symbols.push([difference(at), (run = 1) - 1, 0]);
      at += run;
    }
    const pretree = codeLengths(
      20,
      symbols.flatMap(([symbol, , , more]) => [symbol, more ?? symbol]),
      false,
    );
    for (const length of pretree) this.#bits.put(length, 4);
    const codes = codewords(pretree);
    for (const [symbol, extra, extraBits, more] of symbols) {
      this.#bits.put(...(codes[symbol] ?? [0, 0]));
      this.#bits.put(extra, extraBits);
      if (more !== undefined) this.#bits.put(...(codes[more] ?? [0, 0]));
    }
    before.set(lengths);
  }
}

/** Returns lengths of a complete code for these symbols, and one more if it is only one. */
function codeLengths(count: number, used: readonly number[], isUneven: boolean): Uint8Array {
  const lengths = new Uint8Array(count);
  const symbols = [...new Set(used)];
  if (symbols.length === 0) return lengths;
  if (symbols.length === 1) symbols.push(symbols[0] === 0 ? 1 : 0);
  const bits = Math.ceil(Math.log2(symbols.length));
  const shorter = 2 ** bits - symbols.length;
  for (const [i, symbol] of symbols.entries()) {
    const even = i < shorter ? bits - 1 : bits;
    lengths[symbol] = isUneven && symbols.length <= 17 ? Math.min(i + 1, symbols.length - 1) : even;
  }
  return lengths;
}

/** Returns the codeword of each symbol and its length. */
function codewords(lengths: Uint8Array): (readonly [code: number, length: number])[] {
  const codes: (readonly [number, number])[] = [];
  let code = 0;
  for (let length = 1; length <= 16; length++) {
    code *= 2;
    for (const [symbol, each] of lengths.entries()) if (each === length) codes[symbol] = [code++, length];
  }
  return codes;
}

class BitWriter {
  readonly #bits: number[] = [];

  put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#bits.push((value >> i) & 1);
  }

  /** Writes padding of 1 to 16 bits, bytes, and padding to a word. */
  putBytes(bytes: readonly number[]): void {
    do this.#bits.push(0);
    while (this.#bits.length % 16 !== 0);
    const even = bytes.length % 2 === 0 ? bytes : [...bytes, 0];
    for (let i = 0; i < even.length; i += 2) this.put((even[i + 1] ?? 0) * 256 + (even[i] ?? 0), 16);
  }

  bytes(): Uint8Array {
    while (this.#bits.length % 16 !== 0) this.#bits.push(0);
    const bytes = new Uint8Array(this.#bits.length / 8);
    for (let i = 0; i < bytes.length; i++) {
      const word = i - (i % 2);
      const first = (word + (i % 2 === 0 ? 1 : 0)) * 8;
      bytes[i] = this.#bits.slice(first, first + 8).reduce((value, bit) => value * 2 + bit, 0);
    }
    return bytes;
  }
}
