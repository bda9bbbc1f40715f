import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Lzma, LzmaError, LzmaStream } from 'lzma-native';
import { DecodeFault, InputError } from './input-error.ts';

/** Bound of the decoder's memory: twice what `xz -9` needs. */
const MAX_DECODER_BYTES = 128 * 1024 * 1024;

/** Bytes of input per call. A call decodes all of its input before the limit can stop it, and xz compresses up to 7,000 to 1.
 *  So the first piece is small, and so is one after a piece with a ratio that text never has: a bomb then uses 200 MB at most.
 *  Larger pieces keep both threads busier; a real index takes 70 ms less. */
const CAREFUL_BYTES = 8 * 1024;
const SLICE_BYTES = 32 * 1024;
const TEXT_RATIO = 50;

const OUTPUT_BYTES = 256 * 1024;

/** Decodes .xz data of one or more streams, with padding. Verifies every check in the file, and rejects checks of an unknown
 *  kind. The next piece is decoded in another thread while the caller uses one. Throws `DecodeFault` for damaged data, for data
 *  that ends early, and for bytes after the end. */
export async function* decodeXz(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const lzma = loadLzma();
  const stream = new lzma.Stream();
  // oxlint-disable-next-line no-underscore-dangle -- the binding's name for it
  stream.streamDecoder_(MAX_DECODER_BYTES, lzma.CONCATENATED | lzma.TELL_UNSUPPORTED_CHECK);
  stream.setBufsize(OUTPUT_BYTES);
  let working: Promise<readonly Uint8Array[]> = Promise.resolve([]);
  let sliceBytes = 0;
  try {
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      const ready = await working;
      const readyBytes = ready.reduce((sum, { length }) => sum + length, 0);
      sliceBytes = sliceBytes > 0 && readyBytes <= sliceBytes * TEXT_RATIO ? SLICE_BYTES : CAREFUL_BYTES;
      working = work(stream, bytes.subarray(at, at + sliceBytes));
      yield* ready;
    }
    const ready = await working;
    working = work(stream, null);
    yield* ready;
    yield* await working;
  } finally {
    await working.catch(() => undefined);
    stream.resetUnderlying();
  }
}

/** Loads the decoder on first use: the binding of the package without its stream classes, which take 10 ms to load. */
function loadLzma(): Lzma {
  try {
    const require = createRequire(import.meta.url);
    return (require('node-gyp-build') as (dir: string) => Lzma)(dirname(require.resolve('lzma-native/package.json')));
  } catch (error) {
    throw new InputError('io', 'the xz decoder cannot be loaded on this system', {
      hint: 'use `setup.zst` or `setup.ini`; both need no native decoder',
      cause: error,
    });
  }
}

/** Decodes one slice, or the end of the data with null, and returns the output. Calls must not overlap. */
async function work(stream: LzmaStream, slice: Uint8Array | null): Promise<readonly Uint8Array[]> {
  const outputs: Uint8Array[] = [];
  let fault: LzmaError | undefined;
  await new Promise<void>((resolve) => {
    stream.bufferHandler = (output, inputsDone, error) => {
      if (error) fault = error;
      if (output) outputs.push(output);
      if (inputsDone !== undefined) resolve();
    };
    stream.code(slice, true);
  });
  if (fault !== undefined) throw faultOf(fault);
  return outputs;
}

function faultOf(error: LzmaError): DecodeFault {
  switch (error.name) {
    case 'LZMA_MEMLIMIT_ERROR':
      return new DecodeFault('limit', `decoding needs more than ${MAX_DECODER_BYTES} bytes of memory`, {
        cause: error,
      });
    case 'LZMA_BUF_ERROR':
      return new DecodeFault('corrupt', 'the data is cut short', { cause: error });
    case 'LZMA_FORMAT_ERROR':
      return new DecodeFault('corrupt', 'not xz data at the beginning or after the end', { cause: error });
    default:
      return new DecodeFault('corrupt', error.message, { cause: error });
  }
}
