import { BitReader, malformed } from './wim-bits.ts';
import { PrefixCode } from './wim-prefix-code.ts';

// Source: [MS-PATCH] "LZX DELTA Compression and Decompression", sections as named below. WIM files have an older form,
// as the documentation of wimlib describes it: each chunk of 32 KiB is compressed alone, sizes of blocks have 1 or 17
// bits, and addresses after bytes E8 are always translated, with a file size of 12,000,000.

/** Size of a chunk, which is also that of the window. */
export const LZX_CHUNK_BYTES = 32_768;
const E8_FILE_BYTES = 12_000_000;
/** No address is translated in the last bytes ("E8 Call Translation"). */
const E8_TAIL_BYTES = 10;

/** "Block Type". */
const VERBATIM = 1;
const ALIGNED = 2;
const UNCOMPRESSED = 3;

const LITERALS = 256;
/** Slots of match offsets for a window of 32 KiB ("Position Slot"). */
const SLOTS = 30;
/** Lengths in the main symbol; the last means that a symbol of the length code follows ("Match Lengths"). */
const LENGTHS_PER_SLOT = 8;
const LENGTH_SYMBOLS = 249;
const LEAST_MATCH = 2;
/** Slots that repeat one of the latest offsets. */
const REPEATS = 3;

/** By slot: how many bits follow, and the first offset. */
const EXTRA_BITS = Array.from({ length: SLOTS }, (_, slot) => (slot < 4 ? 0 : (slot >> 1) - 1));
const FIRST_OFFSETS = EXTRA_BITS.map((_, slot) => EXTRA_BITS.slice(0, slot).reduce((sum, bits) => sum + 2 ** bits, -2));

/** The state that continues from block to block of a chunk. */
interface Chunk {
  readonly bits: BitReader;
  readonly output: Uint8Array;
  /** Lengths of codewords, to which those of the next block are differences. */
  readonly mainLengths: Uint8Array;
  readonly lengthLengths: Uint8Array;
  /** The latest three offsets. */
  readonly offsets: [number, number, number];
}

/** Decompresses one chunk of a WIM with LZX.
 *  @param sizeBytes of the result, at most 32 KiB
 *  Throws `damaged` for malformed data, after a time in proportion to the data. */
export function decodeLzx(input: Uint8Array, sizeBytes: number): Uint8Array {
  const chunk: Chunk = {
    bits: new BitReader(input),
    output: new Uint8Array(sizeBytes),
    mainLengths: new Uint8Array(LITERALS + SLOTS * LENGTHS_PER_SLOT),
    lengthLengths: new Uint8Array(LENGTH_SYMBOLS),
    offsets: [1, 1, 1],
  };
  for (let at = 0; at < sizeBytes;) {
    const type = chunk.bits.take(3);
    const size = chunk.bits.take(1) === 1 ? LZX_CHUNK_BYTES : chunk.bits.take(16);
    if (size === 0 || size > sizeBytes - at) throw malformed('an LZX block has an impossible size');
    if (type === UNCOMPRESSED) copyBlock(chunk, at, size);
    else if (type === VERBATIM || type === ALIGNED) decodeBlock(chunk, at, size, type === ALIGNED);
    else throw malformed('an LZX block has an unknown type');
    at += size;
  }
  restoreAddresses(chunk.output);
  return chunk.output;
}

/** An uncompressed block: padding, the three latest offsets, bytes, and padding to a word ("Uncompressed
 *  Block"). */
function copyBlock({ bits, output, offsets }: Chunk, at: number, size: number): void {
  bits.alignWithPadding();
  for (const i of [0, 1, 2] as const) {
    const [a = 0, b = 0, c = 0, d = 0] = bits.bytes(4);
    offsets[i] = a + b * 0x100 + c * 0x1_0000 + d * 0x100_0000;
  }
  output.set(bits.bytes(size), at);
  const isLast = at + size === output.length;
  if (size % 2 === 1 && !isLast) bits.byte();
}

/** A verbatim block, or an aligned block, which has a code for the lowest three bits of offsets
 *  ("Verbatim Block", "Aligned Offset Block"). */
function decodeBlock(
  { bits, output, mainLengths, lengthLengths, offsets }: Chunk,
  start: number,
  size: number,
  isAligned: boolean,
): void {
  const alignedCode = isAligned ? new PrefixCode(Uint8Array.from({ length: 8 }, () => bits.take(3))) : undefined;
  readLengths(bits, mainLengths.subarray(0, LITERALS));
  readLengths(bits, mainLengths.subarray(LITERALS));
  const mainCode = new PrefixCode(mainLengths);
  readLengths(bits, lengthLengths);
  const lengthCode = new PrefixCode(lengthLengths);
  const end = start + size;
  for (let at = start; at < end;) {
    const symbol = mainCode.read(bits);
    if (symbol < LITERALS) {
      output[at++] = symbol;
      continue;
    }
    const slot = (symbol - LITERALS) >> 3;
    let length = (symbol - LITERALS) & 7;
    if (length === LENGTHS_PER_SLOT - 1) length += lengthCode.read(bits);
    length += LEAST_MATCH;
    const offset =
      slot < REPEATS ? repeated(offsets, slot) : (FIRST_OFFSETS[slot] ?? 0) + offsetBits(bits, slot, alignedCode);
    if (slot >= REPEATS) [offsets[2], offsets[1], offsets[0]] = [offsets[1], offsets[0], offset];
    if (offset === 0 || offset > at || length > end - at) throw malformed('an LZX match is outside of its block');
    for (const stop = at + length; at < stop; at++) output[at] = output[at - offset] ?? 0;
  }
}

/** Returns one of the latest offsets and makes it the latest, in exchange for that ("Repeated Offsets"). */
function repeated(offsets: Chunk['offsets'], slot: number): number {
  const offset = offsets[slot] ?? 0;
  offsets[slot] = offsets[0];
  offsets[0] = offset;
  return offset;
}

function offsetBits(bits: BitReader, slot: number, alignedCode: PrefixCode | undefined): number {
  const count = EXTRA_BITS[slot] ?? 0;
  if (alignedCode === undefined || count < 3) return bits.take(count);
  return bits.take(count - 3) * 8 + alignedCode.read(bits);
}

/** Reads lengths of codewords: differences to those of the previous block, by a code of their own ("Encoding the
 *  Trees and Pre-Trees"). */
function readLengths(bits: BitReader, lengths: Uint8Array): void {
  const code = new PrefixCode(Uint8Array.from({ length: 20 }, () => bits.take(4)));
  const changed = (at: number, symbol: number): number => ((lengths[at] ?? 0) - symbol + 17) % 17;
  for (let at = 0; at < lengths.length;) {
    const symbol = code.read(bits);
    let [count, length] = [1, 0];
    if (symbol < 17) length = changed(at, symbol);
    else if (symbol === 17) count = 4 + bits.take(4);
    else if (symbol === 18) count = 20 + bits.take(5);
    else {
      count = 4 + bits.take(1);
      const difference = code.read(bits);
      if (difference > 16) throw malformed('an LZX code has an impossible length');
      length = changed(at, difference);
    }
    if (count > lengths.length - at) throw malformed('an LZX code has too many lengths');
    lengths.fill(length, at, at + count);
    at += count;
  }
}

/** Undoes the translation of addresses: what follows a byte E8, a call of x86, is absolute in compressed data
 *  ("E8 Call Translation"). */
function restoreAddresses(output: Uint8Array): void {
  const view = new DataView(output.buffer, output.byteOffset, output.length);
  for (
    let at = output.indexOf(0xe8);
    at !== -1 && at < output.length - E8_TAIL_BYTES;
    at = output.indexOf(0xe8, at + 5)
  ) {
    const absolute = view.getInt32(at + 1, true);
    if (absolute >= -at && absolute < E8_FILE_BYTES)
      view.setInt32(at + 1, absolute >= 0 ? absolute - at : absolute + E8_FILE_BYTES, true);
  }
}
