import { setImmediate } from 'node:timers/promises';
import { DecodeFault } from './input-error.ts';

/** Text decoded at once; the decoder's memory ends at twice this. */
const MAX_FRAME_TEXT_BYTES = 1024 * 1024 * 1024;

const MAX_BLOCK_TEXT_BYTES = 128 * 1024;
const PIECE_BYTES = 512 * 1024;

/** Decodes Zstandard data of one or more frames, skippable ones among them; the checksum and size that a frame carries are
 *  verified. A frame is decoded at once, after its blocks have shown how much text it can hold at most.
 *  Throws `DecodeFault` for damage, for data cut short, for bytes left over, and for more than `maxTextBytes` of text (a frame
 *  that does not tell its size counts with the most its blocks can hold).
 *
 *  The decoder is the reference one as WebAssembly, for every Node.js: node:zlib has none before 22.15, and in 22 it takes data
 *  cut short for whole and drops a second frame. */
export async function* decodeZst(bytes: Uint8Array, maxTextBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const decompress = await loadZstd();
  let textBytes = 0;
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at);
    if (frame.kind === 'data') {
      if (textBytes + frame.maxTextBytes > Math.min(maxTextBytes, MAX_FRAME_TEXT_BYTES)) {
        throw new DecodeFault(
          'limit',
          `it may hold ${textBytes + frame.maxTextBytes} bytes of text, more than ${maxTextBytes}`,
        );
      }
      const text = decodeFrame(decompress, bytes.subarray(at, frame.end), frame.maxTextBytes);
      textBytes += text.length;
      for (let from = 0; from < text.length; from += PIECE_BYTES) yield text.subarray(from, from + PIECE_BYTES);
      await setImmediate();
    }
    at = frame.end;
  }
}

type Decompress = (typeof import('@bokuweb/zstd-wasm'))['decompress'];

let loading: Promise<Decompress> | undefined;

/** Loads the decoder on first use. */
async function loadZstd(): Promise<Decompress> {
  loading ??= (async () => {
    const { init, decompress } = await import('@bokuweb/zstd-wasm');
    await init();
    return decompress;
  })();
  return loading;
}

function decodeFrame(decompress: Decompress, frame: Uint8Array, maxTextBytes: number): Uint8Array {
  try {
    return decompress(frame, { defaultHeapSize: maxTextBytes });
  } catch (error) {
    throw new DecodeFault('corrupt', 'a frame does not decode, or its checksum differs', { cause: error });
  }
}

interface Frame {
  readonly kind: 'data' | 'skippable';
  /** Where the frame ends. */
  readonly end: number;
  /** The text's size where the frame tells it, else the most that its blocks can hold. */
  readonly maxTextBytes: number;
}

/** Finds where a frame ends, without decoding it.
 *  Source: RFC 8878 3.1.1 (Zstandard Frames), 3.1.1.2 (Blocks), 3.1.2 (Skippable Frames). */
function readFrame(bytes: Uint8Array, start: number): Frame {
  const magic = readNumber(bytes, start, 4);
  if (magic >= 0x18_4d_2a_50 && magic <= 0x18_4d_2a_5f) {
    const end = start + 8 + readNumber(bytes, start + 4, 4);
    if (end > bytes.length) throw cutShort();
    return { kind: 'skippable', end, maxTextBytes: 0 };
  }
  if (magic !== 0xfd_2f_b5_28)
    throw new DecodeFault('corrupt', `something that is not zstd data begins at byte ${start}`);
  const header = readFrameHeader(bytes, start + 4);
  const blocks = readBlocks(bytes, header.end, header.windowBytes);
  const end = blocks.end + (header.hasChecksum ? 4 : 0);
  if (end > bytes.length) throw cutShort();
  if (header.textBytes !== undefined && header.textBytes > blocks.maxTextBytes) {
    throw new DecodeFault('corrupt', 'a frame promises more text than its blocks can hold');
  }
  return { kind: 'data', end, maxTextBytes: header.textBytes ?? blocks.maxTextBytes };
}

interface FrameHeader {
  readonly end: number;
  readonly hasChecksum: boolean;
  readonly windowBytes: number;
  readonly textBytes: number | undefined;
}

function readFrameHeader(bytes: Uint8Array, start: number): FrameHeader {
  const descriptor = readNumber(bytes, start, 1);
  let at = start + 1;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let windowBytes = 0;
  if (!isSingleSegment) {
    const window = readNumber(bytes, at, 1);
    windowBytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
    at += 1;
  }
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] as number;
  if (readNumber(bytes, at, dictionaryIdBytes) !== 0) throw new DecodeFault('corrupt', 'a frame needs a dictionary');
  at += dictionaryIdBytes;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  // "When Field_Size is 2, the offset of 256 is added."
  const textBytes = sizeBytes === 0 ? undefined : readNumber(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  // "Window_Size is Frame_Content_Size" when there is a single segment, which always tells its size.
  if (isSingleSegment && textBytes !== undefined) windowBytes = textBytes;
  return { end: at + sizeBytes, hasChecksum: (descriptor & 4) !== 0, windowBytes, textBytes };
}

function readBlocks(
  bytes: Uint8Array,
  start: number,
  windowBytes: number,
): { readonly end: number; readonly maxTextBytes: number } {
  const blockTextBytes = Math.min(windowBytes, MAX_BLOCK_TEXT_BYTES);
  let maxTextBytes = 0;
  let at = start;
  for (;;) {
    const header = readNumber(bytes, at, 3);
    const size = header >> 3;
    const type = (header >> 1) & 3;
    const isRepeatedByte = type === 1;
    const isCompressed = type === 2;
    at += 3 + (isRepeatedByte ? 1 : size);
    maxTextBytes += isCompressed ? blockTextBytes : Math.min(size, blockTextBytes);
    if ((header & 1) === 1) return { end: at, maxTextBytes };
  }
}

/** A little-endian number of up to eight bytes. */
function readNumber(bytes: Uint8Array, at: number, size: number): number {
  if (at + size > bytes.length) throw cutShort();
  let value = 0;
  for (let index = size - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] as number);
  return value;
}

function cutShort(): DecodeFault {
  return new DecodeFault('corrupt', 'the data is cut short');
}
