import { setImmediate } from 'node:timers/promises';
import { DecodeFault } from './input-error.ts';

// XZ Embedded, by the author of xz, as WebAssembly. The stream class of the package is not used: it decodes one stream
// at a time, so that two readers can wait for each other for ever, and reports the reason of a failure as text only.

/** The static members of the package's class that are used here; the version is pinned for them. */
interface XzReadableStreamClass {
  readonly _getModuleInstance: () => Promise<void>;
  readonly _moduleInstance: { readonly exports: Decoder };
}

interface Decoder {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Returns the address of a `Context`, 0 without memory. */
  readonly create_context: () => number;
  readonly supply_input: (context: number, sizeBytes: number) => void;
  /** Returns a `Status`. */
  readonly get_next_output: (context: number) => number;
  readonly destroy_context: (context: number) => void;
}

/** Fields of a context, in words. Source: xz-decompress 0.2.3, src/native/xz-decompress.c. */
const Field = { bufferSize: 0, input: 1, inputPosition: 2, inputSize: 3, output: 4, outputPosition: 5, count: 6 };

/** Source: xz-embedded, linux/include/linux/xz.h. */
const Status = { ok: 0, streamEnd: 1, noMemory: 3, memoryLimit: 4, format: 5, options: 6, input: 8 };

/** Size of the header of a stream, and the offset of the kind of its check. Source: The .xz File Format 2.1.1. */
const STREAM_HEADER_BYTES = 12;
const CHECK_AT = 7;
const STREAM_MAGIC = Buffer.from('fd377a585a00', 'hex');
const SHA256 = 10;

/** Decodes .xz data of one or more streams with padding. Verifies CRC-32 and CRC-64 checks. Yields up to 64 KiB at a
 *  time and lets the event loop run in between. The text yielded before a failure is not verified. Throws
 *  `DecodeFault`: `corrupt` for damaged or truncated data, for trailing bytes and for a check of an unknown kind;
 *  `limit` for a dictionary of more than 64 MiB; `unsupported` for a SHA-256 check and for filters other than LZMA2.
 *  Throws a RangeError without memory. */
export async function* decodeByLibrary(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = await loadDecoder();
  const context = decoder.create_context();
  if (context === 0) throw noMemory();
  try {
    let at = 0;
    let status = Status.ok;
    while (status === Status.ok) {
      at += supply(decoder, context, bytes.subarray(at));
      status = decoder.get_next_output(context);
      const fields = fieldsOf(decoder, context);
      const text = new Uint8Array(decoder.memory.buffer, fields[Field.output], fields[Field.outputPosition]).slice();
      fields[Field.outputPosition] = 0;
      if (text.length > 0) yield text;
      await setImmediate();
    }
    if (status !== Status.streamEnd) {
      const fields = fieldsOf(decoder, context);
      throw faultOf(status, bytes, at - (fields[Field.inputSize] as number) + (fields[Field.inputPosition] as number));
    }
  } finally {
    decoder.destroy_context(context);
  }
}

let loading: Promise<Decoder> | undefined;

/** Loads the decoder on first use. Throws a RangeError if there is not enough address space for its memory. */
async function loadDecoder(): Promise<Decoder> {
  loading ??= (async () => {
    const module = (await import('xz-decompress')) as unknown as {
      readonly default: { readonly XzReadableStream: XzReadableStreamClass };
    };
    const stream = module.default.XzReadableStream;
    // oxlint-disable no-underscore-dangle -- the names of the package
    await stream._getModuleInstance();
    return stream._moduleInstance.exports;
    // oxlint-enable no-underscore-dangle
  })();
  return loading;
}

/** Returns a view of the context. It is valid until the memory grows, which a decoder can cause at any call. */
function fieldsOf({ memory }: Decoder, context: number): Uint32Array {
  return new Uint32Array(memory.buffer, context, Field.count);
}

/** Copies input into the buffer if the last one is used up; nothing means the end. Returns the number of bytes. */
function supply(decoder: Decoder, context: number, rest: Uint8Array): number {
  const fields = fieldsOf(decoder, context);
  if (fields[Field.inputPosition] !== fields[Field.inputSize]) return 0;
  const input = rest.subarray(0, fields[Field.bufferSize]);
  new Uint8Array(decoder.memory.buffer).set(input, fields[Field.input]);
  decoder.supply_input(context, input.length);
  return input.length;
}

/** `at` is the number of bytes that were decoded. */
function faultOf(status: number, bytes: Uint8Array, at: number): Error {
  switch (status) {
    case Status.noMemory:
      return noMemory();
    case Status.memoryLimit:
      return new DecodeFault('limit', 'decoding needs a dictionary of more than 64 MiB');
    case Status.format:
      return new DecodeFault('corrupt', 'bytes that are not xz data at the beginning or after the end');
    case Status.input:
      return new DecodeFault('corrupt', 'the data is truncated');
    case Status.options:
      return optionsFault(bytes.subarray(Math.max(0, at - STREAM_HEADER_BYTES), at));
    default:
      return new DecodeFault('corrupt', 'invalid compressed data, or its checksum differs');
  }
}

/** Returns the fault for valid data that the library cannot decode, from the last bytes it has read. */
function optionsFault(header: Uint8Array): DecodeFault {
  if (!STREAM_MAGIC.equals(header.subarray(0, STREAM_MAGIC.length)))
    return new DecodeFault('unsupported', 'it uses a filter other than LZMA2');
  return header[CHECK_AT] === SHA256
    ? new DecodeFault('unsupported', 'it has a SHA-256 check')
    : new DecodeFault('corrupt', 'a check of an unknown kind');
}

function noMemory(): RangeError {
  return new RangeError('out of memory in the xz decoder');
}
