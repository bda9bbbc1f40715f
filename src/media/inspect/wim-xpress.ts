import { BitReader, malformed } from './wim-bits.ts';
import { PrefixCode } from './wim-prefix-code.ts';

// Source: [MS-XCA] "Xpress Compression Algorithm", 2.2: LZ77 with Huffman codes.

const LITERALS = 256;
/** The code has 512 symbols, whose lengths have 4 bits each. */
const CODE_BYTES = 256;
const LEAST_MATCH = 3;
/** The length in a symbol from which on the rest of it follows as bytes. */
const LONG = 15;

/** Decompresses one chunk of a WIM with XPRESS.
 *  @param sizeBytes of the result, at most 64 KiB
 *  Throws `damaged` for malformed data, after a time in proportion to the data. */
export function decodeXpress(input: Uint8Array, sizeBytes: number): Uint8Array {
  if (input.length < CODE_BYTES) throw malformed('it ends too early');
  const code = new PrefixCode(
    Uint8Array.from({ length: 2 * CODE_BYTES }, (_, i) => ((input[i >> 1] ?? 0) >> (i % 2 === 0 ? 0 : 4)) & 15),
  );
  const bits = new BitReader(input.subarray(CODE_BYTES));
  const output = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes;) {
    const symbol = code.read(bits);
    if (symbol < LITERALS) {
      output[at++] = symbol;
      continue;
    }
    // Bytes among the words: the position of a byte is after the words that a decoder with 16 bits in its buffer has
    // read.
    bits.fill();
    const length = LEAST_MATCH + lengthOf(bits, symbol & 15);
    const offsetBits = (symbol - LITERALS) >> 4;
    const offset = 2 ** offsetBits + bits.take(offsetBits);
    if (offset > at || length > sizeBytes - at) throw malformed('an XPRESS match is outside of its chunk');
    for (const stop = at + length; at < stop; at++) output[at] = output[at - offset] ?? 0;
  }
  return output;
}

function lengthOf(bits: BitReader, short: number): number {
  if (short < LONG) return short;
  const more = bits.byte();
  if (more < 255) return LONG + more;
  const length = bits.byte() + bits.byte() * 256;
  if (length < LONG) throw malformed('an XPRESS match has an impossible length');
  return length;
}
