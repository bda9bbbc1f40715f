import { setImmediate } from 'node:timers/promises';
import { damaged, readCode, take, take32, takeSymbol, type Bits, type Code } from './bz2-code.ts';

// No library on npm is suitable: seek-bzip accepts a file truncated between two blocks; unbzip2-stream decodes its
// whole input before a limit can stop it, at a third of the speed; libbz2 as WebAssembly ignores a second stream.
// Source: bzip2 1.0.8, decompress.c.

const BLOCK_MAGIC = '314159265359';
const STREAM_END_MAGIC = '177245385090';
const GROUP_SYMBOLS = 50;
const MAX_BLOCK_SYMBOLS = 900_000;
const OUTPUT_BYTES = 1024 * 1024;

/** Decodes bzip2 data of one or more streams, and verifies the CRC-32 of every block and stream. Decodes one block at a
 *  time: up to 900,000 bytes before its runs are expanded, 46 MB after. Yields to the event loop between two blocks.
 *  Refuses the `randomised` blocks of bzip2 0.9.0 and older. Throws `DecodeFault` for damaged or truncated data and for
 *  trailing bytes. */
export async function* decodeBz2(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const bits: Bits = { bytes, at: 0, buffer: 0, held: 0 };
  const space = new Uint32Array(MAX_BLOCK_SYMBOLS);
  do {
    const blockLimit = readStreamHeader(bits);
    const links = space.subarray(0, blockLimit);
    let streamCrc = 0;
    while (isBlock(bits)) {
      const blockCrc = take32(bits);
      const origin = readBlockOrigin(bits, blockLimit);
      const { length, counts } = readSymbols(bits, links);
      if (origin >= length) throw damaged('the start position of a block is outside the block');
      linkSymbols(links, length, counts);
      const { outputs, crc } = expandRuns(links, length, origin);
      if (crc !== blockCrc) throw damaged('the checksum of a block differs');
      streamCrc = ((streamCrc << 1) | (streamCrc >>> 31)) ^ crc;
      yield* outputs;
      await setImmediate();
    }
    if (take32(bits) !== streamCrc >>> 0) throw damaged('the checksum of the data differs');
    bits.held -= bits.held % 8;
  } while (bits.held > 0 || bits.at < bytes.length);
}

/** Returns the largest number of symbols in a block of this stream. */
function readStreamHeader(bits: Bits): number {
  const isFirst = bits.at === 0;
  const magic = take(bits, 24);
  const level = take(bits, 8) - 0x30;
  if (magic !== 0x42_5a_68 || level < 1 || level > 9) {
    throw damaged(isFirst ? 'invalid bzip2 header' : 'bytes that are not bzip2 data after the end');
  }
  return level * 100_000;
}

/** Reads the magic number of a block or of the end of the stream. Returns true for a block. */
function isBlock(bits: Bits): boolean {
  let magic = '';
  for (let byte = 0; byte < 6; byte += 1) magic += take(bits, 8).toString(16).padStart(2, '0');
  if (magic !== BLOCK_MAGIC && magic !== STREAM_END_MAGIC) throw damaged('invalid start of a block');
  return magic === BLOCK_MAGIC;
}

function readBlockOrigin(bits: Bits, blockLimit: number): number {
  if (take(bits, 1) === 1) throw damaged('a randomised block of bzip2 0.9.0 or older is not supported');
  const origin = take(bits, 24);
  if (origin >= blockLimit) throw damaged('the start position of a block is outside the block');
  return origin;
}

/** Reads the symbols of a block into the low bytes of `links`, and counts the occurrences of each byte. */
function readSymbols(bits: Bits, links: Uint32Array): { readonly length: number; readonly counts: Uint32Array } {
  const used = readUsedBytes(bits);
  const codeCount = take(bits, 3);
  if (codeCount < 2 || codeCount > 6) throw damaged('invalid number of codes in a block');
  const selectors = readSelectors(bits, codeCount);
  const codes: Code[] = [];
  for (let index = 0; index < codeCount; index += 1) codes.push(readCode(bits, used.length + 2));

  const counts = new Uint32Array(256);
  const recent = Uint8Array.from(used);
  const endOfBlock = used.length + 1;
  let length = 0;
  let run = 0;
  let runWeight = 1;
  for (const selector of selectors) {
    const code = codes[selector] as Code;
    for (let left = GROUP_SYMBOLS; left > 0; left -= 1) {
      const symbol = takeSymbol(bits, code);
      if (symbol < 2) {
        run += runWeight << symbol;
        if (run > links.length) throw damaged('a run is longer than its block');
        runWeight <<= 1;
        continue;
      }
      if (run > 0) {
        if (length + run > links.length) throw damaged('a block is larger than the stream header allows');
        const byte = recent[0] as number;
        links.fill(byte, length, length + run);
        counts[byte] = (counts[byte] as number) + run;
        length += run;
        run = 0;
        runWeight = 1;
      }
      if (symbol === endOfBlock) return { length, counts };
      if (length >= links.length) throw damaged('a block is larger than the stream header allows');
      const byte = moveToFront(recent, symbol - 1);
      counts[byte] = (counts[byte] as number) + 1;
      links[length] = byte;
      length += 1;
    }
  }
  throw damaged('a block without end');
}

function readUsedBytes(bits: Bits): readonly number[] {
  const used: number[] = [];
  const rows = take(bits, 16);
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x80_00 >>> row)) === 0) continue;
    const columns = take(bits, 16);
    for (let column = 0; column < 16; column += 1) {
      if ((columns & (0x80_00 >>> column)) !== 0) used.push(row * 16 + column);
    }
  }
  if (used.length === 0) throw damaged('a block without symbols');
  return used;
}

function readSelectors(bits: Bits, codeCount: number): Uint8Array {
  const selectors = new Uint8Array(take(bits, 15));
  const recent = Uint8Array.of(0, 1, 2, 3, 4, 5);
  for (let index = 0; index < selectors.length; index += 1) {
    let place = 0;
    while (take(bits, 1) === 1) {
      place += 1;
      if (place >= codeCount) throw damaged('invalid selector in a block');
    }
    selectors[index] = moveToFront(recent, place);
  }
  return selectors;
}

function moveToFront(recent: Uint8Array, place: number): number {
  const value = recent[place] as number;
  for (let at = place; at > 0; at -= 1) recent[at] = recent[at - 1] as number;
  recent[0] = value;
  return value;
}

/** Inverts the Burrows-Wheeler transform: stores the position of the next byte in the upper 24 bits of each entry. */
function linkSymbols(links: Uint32Array, length: number, counts: Uint32Array): void {
  const starts = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte += 1) starts[byte] = (starts[byte - 1] as number) + (counts[byte - 1] as number);
  for (let at = 0; at < length; at += 1) {
    const byte = (links[at] as number) & 0xff;
    const place = starts[byte] as number;
    starts[byte] = place + 1;
    links[place] = (links[place] as number) | (at << 8);
  }
}

/** Follows the links and expands runs: after four equal bytes, one byte holds the number of further repetitions. */
function expandRuns(
  links: Uint32Array,
  length: number,
  origin: number,
): { readonly outputs: Uint8Array[]; readonly crc: number } {
  const outputs: Uint8Array[] = [];
  let output = new Uint8Array(length);
  let filled = 0;
  let crc = -1;
  let run = 0;
  let previous = -1;
  let link = (links[origin] as number) >>> 8;
  for (let left = length; left > 0; left -= 1) {
    link = links[link] as number;
    const byte = link & 0xff;
    link >>>= 8;
    let times = 1;
    if (run === 4) {
      times = byte;
      run = 0;
    } else {
      run = byte === previous ? run + 1 : 1;
      previous = byte;
    }
    for (; times > 0; times -= 1) {
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ previous] as number);
      output[filled] = previous;
      filled += 1;
      if (filled === output.length) {
        outputs.push(output);
        output = new Uint8Array(OUTPUT_BYTES);
        filled = 0;
      }
    }
  }
  outputs.push(output.subarray(0, filled));
  return { outputs, crc: ~crc >>> 0 };
}

/** CRC-32, most significant bit first. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04_c1_1d_b7 : crc << 1;
  return crc;
});
