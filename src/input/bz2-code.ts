import { DecodeFault } from './input-error.ts';

// Bit reader and Huffman codes of bzip2.
// Source: bzip2 1.0.8, decompress.c and huffman.c.

const MAX_CODE_BITS = 20;
const FAST_BITS = 10;
const MAX_SYMBOLS = 258;

/** A position in the input, in bits. */
export interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  /** The low `held` bits are the next bits of the input. */
  buffer: number;
  held: number;
}

/** One Huffman code. */
export interface Code {
  /** By the next 10 bits: symbol << 5 | code length, or 0 for a longer code. */
  readonly fast: Uint16Array;
  /** By length: the last code of that length, or -1. */
  readonly limit: Int32Array;
  /** By length: what to subtract from a code to get its place in `symbols`. */
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

/** Returns a fault with code `corrupt`. */
export function damaged(what: string): DecodeFault {
  return new DecodeFault('corrupt', what);
}

/** Reads `count` bits, at most 24. Throws `DecodeFault` after the end of the data. */
export function take(bits: Bits, count: number): number {
  while (bits.held < count) {
    const byte = bits.bytes[bits.at];
    if (byte === undefined) throw damaged('the data is truncated');
    bits.at += 1;
    bits.buffer = (bits.buffer << 8) | byte;
    bits.held += 8;
  }
  bits.held -= count;
  return (bits.buffer >>> bits.held) & ((1 << count) - 1);
}

/** Reads 32 bits. Throws `DecodeFault` after the end of the data. */
export function take32(bits: Bits): number {
  const high = take(bits, 16);
  return ((high << 16) | take(bits, 16)) >>> 0;
}

/** Reads a code of `symbolCount` symbols: each length is stored as the difference from the previous one. Throws
 *  `DecodeFault`. */
export function readCode(bits: Bits, symbolCount: number): Code {
  const lengths = new Uint8Array(symbolCount);
  let length = take(bits, 5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged('invalid code length');
      if (take(bits, 1) === 0) break;
      length += take(bits, 1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return codeOf(lengths);
}

/** Assigns codes by ascending length, and by symbol within one length. */
function codeOf(lengths: Uint8Array): Code {
  const fast = new Uint16Array(1 << FAST_BITS);
  const limit = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  const symbols = new Uint16Array(MAX_SYMBOLS);
  let place = 0;
  let code = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    base[length] = code - place;
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== length) continue;
      if (length <= FAST_BITS) {
        const spare = FAST_BITS - length;
        fast.fill((symbol << 5) | length, code << spare, (code + 1) << spare);
      }
      symbols[place] = symbol;
      place += 1;
      code += 1;
    }
    if (code > 1 << length) throw damaged('more symbols than a code can hold');
    limit[length] = code - 1;
    code <<= 1;
  }
  return { fast, limit, base, symbols };
}

/** Reads one symbol. Throws `DecodeFault` for an unassigned code and after the end of the data. */
export function takeSymbol(bits: Bits, { fast, limit, base, symbols }: Code): number {
  while (bits.held < MAX_CODE_BITS) {
    // At least 80 bits follow the last block, so that this never reads too far in valid data.
    const byte = bits.bytes[bits.at];
    if (byte === undefined) throw damaged('the data is truncated');
    bits.at += 1;
    bits.buffer = (bits.buffer << 8) | byte;
    bits.held += 8;
  }
  const next = (bits.buffer >>> (bits.held - MAX_CODE_BITS)) & ((1 << MAX_CODE_BITS) - 1);
  const entry = fast[next >>> (MAX_CODE_BITS - FAST_BITS)] as number;
  if (entry !== 0) {
    bits.held -= entry & 31;
    return entry >>> 5;
  }
  for (let length = FAST_BITS + 1; length <= MAX_CODE_BITS; length += 1) {
    const code = next >>> (MAX_CODE_BITS - length);
    if (code > (limit[length] as number)) continue;
    bits.held -= length;
    return symbols[code - (base[length] as number)] as number;
  }
  throw damaged('unassigned code');
}
