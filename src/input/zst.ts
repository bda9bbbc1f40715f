import { setImmediate } from 'node:timers/promises';
import { DecodeFault } from './input-error.ts';

/** Largest text of one frame; the memory of the decoder can hold twice this. */
const MAX_FRAME_TEXT_BYTES = 1024 * 1024 * 1024;

const MAX_BLOCK_TEXT_BYTES = 128 * 1024;
const PIECE_BYTES = 512 * 1024;

/** Decodes Zstandard data of one or more frames, including skippable frames, and verifies the checksum and size of a
 *  frame where present. Computes the largest possible text of a frame from its block headers first, then decodes the
 *  frame in one call. Throws `DecodeFault` for damaged or truncated data, for trailing bytes, and for more than
 *  `maxTextBytes` of text. A frame without a size counts as the largest text that its blocks can hold.
 *
 *  The decoder is the reference implementation as WebAssembly. node:zlib has no decoder before Node.js 22.15; that of
 *  Node.js 22 accepts truncated data and ignores a second frame. */
export async function* decodeZst(bytes: Uint8Array, maxTextBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const decompress = await loadZstd();
  let textBytes = 0;
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at);
    if (frame.kind === 'data') {
      if (textBytes + frame.maxTextBytes > Math.min(maxTextBytes, MAX_FRAME_TEXT_BYTES)) {
        throw new DecodeFault(
          'limit',
          `up to ${textBytes + frame.maxTextBytes} bytes of text, more than ${maxTextBytes}`,
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

/** Loads the decoder on first use. Throws a RangeError if there is not enough address space for its memory. */
async function loadZstd(): Promise<Decompress> {
  loading ??= (async () => {
    const { init, decompress } = await import('@bokuweb/zstd-wasm');
    await initialized(init);
    return decompress;
  })();
  return loading;
}

/** The part of the global WebAssembly that is used here; the types of Node.js 20 lack it. */
interface WebAssemblyScope {
  instantiate: (...given: readonly unknown[]) => Promise<unknown>;
}

/** Initializes a module that Emscripten made. Where its memory cannot be allocated, Emscripten prints the reason on
 *  stderr and its promise never settles; this rejects with the reason. */
async function initialized(init: () => Promise<void>): Promise<void> {
  const scope = (globalThis as unknown as { readonly WebAssembly: WebAssemblyScope }).WebAssembly;
  const { instantiate } = scope;
  try {
    await new Promise<void>((resolve, reject) => {
      scope.instantiate = (...given) =>
        instantiate(...given).catch((error: unknown) => {
          reject(error);
          return new Promise(() => {});
        });
      init().then(resolve, reject);
    });
  } finally {
    scope.instantiate = instantiate;
  }
}

function decodeFrame(decompress: Decompress, frame: Uint8Array, maxTextBytes: number): Uint8Array {
  try {
    return decompress(frame, { defaultHeapSize: maxTextBytes });
  } catch (error) {
    throw new DecodeFault('corrupt', 'a frame cannot be decoded, or its checksum differs', { cause: error });
  }
}

interface Frame {
  readonly kind: 'data' | 'skippable';
  /** Offset after the last byte of the frame. */
  readonly end: number;
  /** Size of the text if the header has one, otherwise the largest text that the blocks can hold. */
  readonly maxTextBytes: number;
}

/** Reads the headers of a frame and of its blocks, without decoding it.
 *  Source: RFC 8878 3.1.1 (Zstandard Frames), 3.1.1.2 (Blocks), 3.1.2 (Skippable Frames). */
function readFrame(bytes: Uint8Array, start: number): Frame {
  const magic = readNumber(bytes, start, 4);
  if (magic >= 0x18_4d_2a_50 && magic <= 0x18_4d_2a_5f) {
    const end = start + 8 + readNumber(bytes, start + 4, 4);
    if (end > bytes.length) throw truncated();
    return { kind: 'skippable', end, maxTextBytes: 0 };
  }
  if (magic !== 0xfd_2f_b5_28) throw new DecodeFault('corrupt', `bytes that are not zstd data at byte ${start}`);
  const header = readFrameHeader(bytes, start + 4);
  const blocks = readBlocks(bytes, header.end, header.windowBytes);
  const end = blocks.end + (header.hasChecksum ? 4 : 0);
  if (end > bytes.length) throw truncated();
  if (header.textBytes !== undefined && header.textBytes > blocks.maxTextBytes) {
    throw new DecodeFault('corrupt', 'the size in a frame header is larger than its blocks can hold');
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
  // "Window_Size is Frame_Content_Size" for a single segment, which always has a size.
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

/** Reads a little-endian number of up to eight bytes. Throws `DecodeFault` after the end of the data. */
function readNumber(bytes: Uint8Array, at: number, size: number): number {
  if (at + size > bytes.length) throw truncated();
  let value = 0;
  for (let index = size - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] as number);
  return value;
}

function truncated(): DecodeFault {
  return new DecodeFault('corrupt', 'the data is truncated');
}
