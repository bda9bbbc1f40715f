import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Lzma, LzmaError, LzmaStream } from 'lzma-native';
import { hasCode } from '../io/system-error.ts';
import { DecodeFault, InputError } from './input-error.ts';
import { decodeByXz } from './xz-program.ts';

/** Memory limit of the decoder: twice what data of `xz -9` needs. */
const MAX_DECODER_BYTES = 128 * 1024 * 1024;

/** Input decoded at once. The limit of the text is checked only between two slices, and xz packs up to 7,000 to 1. The
 *  first slice is therefore small, and so is every slice after output that is larger than text can be: a bomb ends soon
 *  after the limit (at 560 MB of memory in all). Larger slices keep both threads busy: 70 ms less for a real index. */
const SMALL_SLICE_BYTES = 8 * 1024;
const SLICE_BYTES = 32 * 1024;
const MAX_TEXT_RATIO = 50;

const OUTPUT_BYTES = 256 * 1024;

/** Smallest input for the `xz` program: starting it costs 5 ms. It decodes in about half the time of lzma-native, whose
 *  binaries are built without optimization: a first `resolve` of an index as .xz takes 28 % less time with it (312 and
 *  434 ms). */
const PROGRAM_MIN_BYTES = 256 * 1024;

export interface XzOptions {
  /** Program to decode with. Default: `xz`; none on Windows, where the system would search the current directory first.
   */
  readonly program?: string | undefined;
  readonly programMinBytes?: number;
}

/** Decodes .xz data of one or more streams with padding, and verifies every check; refuses checks of an unknown kind.
 *  Decodes the next piece while the caller uses the current one. If the program fails for any reason, the library
 *  continues, so that text and faults do not depend on the program. On a system without a build of the library the
 *  program decodes data of every size. Throws `DecodeFault` for damaged or truncated data and for trailing bytes, and
 *  `InputError` with code `io` if the system has neither. */
export async function* decodeXz(
  bytes: Uint8Array,
  maxTextBytes: number,
  options: XzOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { program = process.platform === 'win32' ? undefined : 'xz', programMinBytes = PROGRAM_MIN_BYTES } = options;
  let yieldedBytes = 0;
  if (program !== undefined && (bytes.length >= programMinBytes || loadLzma().lzma === undefined)) {
    try {
      for await (const text of decodeByXz(program, bytes, { maxTextBytes, maxDecoderBytes: MAX_DECODER_BYTES })) {
        yieldedBytes += text.length;
        yield text;
      }
      return;
    } catch (cause) {
      // The library reports the reason if the data is damaged.
      if (loadLzma().lzma === undefined && !hasCode(cause, 'ENOENT')) throw cause;
    }
  }
  for await (const text of decodeByLibrary(bytes)) {
    const skipped = Math.min(yieldedBytes, text.length);
    yieldedBytes -= skipped;
    if (skipped < text.length) yield text.subarray(skipped);
  }
  if (yieldedBytes > 0) throw new DecodeFault('corrupt', `\`${program}\` produced more text than the data holds`);
}

async function* decodeByLibrary(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const { lzma, cause } = loadLzma();
  if (lzma === undefined) {
    throw new InputError('io', 'cannot decode .xz: neither the native decoder nor the program `xz` is on this system', {
      hint: 'install `xz`, or use `setup.zst` or `setup.ini`',
      cause,
    });
  }
  const stream = new lzma.Stream();
  // oxlint-disable-next-line no-underscore-dangle -- the binding's name for it
  stream.streamDecoder_(MAX_DECODER_BYTES, lzma.CONCATENATED | lzma.TELL_UNSUPPORTED_CHECK);
  stream.setBufsize(OUTPUT_BYTES);
  let pending: Promise<readonly Uint8Array[]> = Promise.resolve([]);
  let sliceBytes = 0;
  try {
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      const ready = await pending;
      const readyBytes = ready.reduce((sum, { length }) => sum + length, 0);
      sliceBytes = sliceBytes > 0 && readyBytes <= sliceBytes * MAX_TEXT_RATIO ? SLICE_BYTES : SMALL_SLICE_BYTES;
      pending = decodeSlice(stream, bytes.subarray(at, at + sliceBytes));
      yield* ready;
    }
    const ready = await pending;
    pending = decodeSlice(stream, null);
    yield* ready;
    yield* await pending;
  } finally {
    await pending.catch(() => undefined);
    stream.resetUnderlying();
  }
}

/** Loads the native binding of lzma-native on first use, without the package's stream classes, which take 10 ms to
 *  load. Returns the cause if there is no build for this system. */
function loadLzma(): { readonly lzma?: Lzma; readonly cause?: unknown } {
  try {
    const require = createRequire(import.meta.url);
    return {
      lzma: (require('node-gyp-build') as (dir: string) => Lzma)(dirname(require.resolve('lzma-native/package.json'))),
    };
  } catch (cause) {
    return { cause };
  }
}

/** Decodes one slice and returns its output; null ends the data. Only one call at a time. */
async function decodeSlice(stream: LzmaStream, slice: Uint8Array | null): Promise<readonly Uint8Array[]> {
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
      return new DecodeFault('corrupt', 'the data is truncated', { cause: error });
    case 'LZMA_FORMAT_ERROR':
      return new DecodeFault('corrupt', 'bytes that are not xz data at the beginning or after the end', {
        cause: error,
      });
    default:
      return new DecodeFault('corrupt', error.message, { cause: error });
  }
}
