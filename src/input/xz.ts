import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Lzma, LzmaError, LzmaStream } from 'lzma-native';
import { DecodeFault, InputError } from './input-error.ts';
import { decodeByXz, type TextFile } from './xz-program.ts';

/** Memory the decoder may take: twice what `xz -9` asks for. */
const MAX_DECODER_BYTES = 128 * 1024 * 1024;

/** Input per piece of work. One piece is decoded whole before anyone can object, and xz packs up to 7,000 to 1: so the first
 *  piece is small, and so is one that follows a piece packed tighter than any text; then a bomb takes 200 MB until its limit
 *  ends it. Larger pieces keep the two threads busier: a real index takes 70 ms less. */
const CAREFUL_BYTES = 8 * 1024;
const SLICE_BYTES = 32 * 1024;
const TEXT_RATIO = 50;

const OUTPUT_BYTES = 256 * 1024;

/** From this size on the system's own program is tried first: starting it takes 5 ms, and it decodes in little more than half the time
 *  that the library needs, whose binaries are built without optimization. */
const PROGRAM_FROM_BYTES = 256 * 1024;

export interface XzOptions {
  /** The program to decode with; by default `xz`, but on Windows, which would look for it in the current directory first. */
  readonly program?: string | undefined;
  readonly programFromBytes?: number;
  /** Where the text is kept anyway: the program writes it there itself. */
  readonly into?: TextFile | undefined;
}

/** Decodes .xz data of one or more streams, with padding; every check the file carries is verified, and a check of an unknown
 *  kind is refused. Works beside us: while the caller uses one piece, the next is being decoded. Where the program of the system fails
 *  for whatever reason the library goes on, so that the same comes out, and the same faults, whether it is there or not.
 *  Throws `DecodeFault` for damage, for data cut short, and for bytes left over. */
export async function* decodeXz(
  bytes: Uint8Array,
  maxTextBytes: number,
  options: XzOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const {
    program = process.platform === 'win32' ? undefined : 'xz',
    programFromBytes = PROGRAM_FROM_BYTES,
    into,
  } = options;
  let doneBytes = 0;
  if (program !== undefined && bytes.length >= programFromBytes) {
    try {
      for await (const text of decodeByXz(program, bytes, { maxTextBytes, maxDecoderBytes: MAX_DECODER_BYTES }, into)) {
        doneBytes += text.length;
        yield text;
      }
      return;
    } catch {
      // The library tells what is wrong with the data, if anything is.
    }
  }
  for await (const text of decodeByLibrary(bytes)) {
    const known = Math.min(doneBytes, text.length);
    doneBytes -= known;
    if (known < text.length) yield text.subarray(known);
  }
  if (doneBytes > 0) throw new DecodeFault('corrupt', `\`${program}\` made more text of it than there is`);
}

async function* decodeByLibrary(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
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

/** Loads the decoder on first use: the package's binding without the streams around it, which take 10 ms to load. */
function loadLzma(): Lzma {
  try {
    const require = createRequire(import.meta.url);
    return (require('node-gyp-build') as (dir: string) => Lzma)(dirname(require.resolve('lzma-native/package.json')));
  } catch (error) {
    throw new InputError('io', 'the xz decoder cannot be loaded on this system', {
      hint: 'decode it first and pipe the text in, as in `xz -dc setup.xz | cygstrap ... --index -`',
      cause: error,
    });
  }
}

/** Decodes one slice, or with null the end of the data, and returns what came out. Only one at a time. */
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
      return new DecodeFault('limit', `decoding it takes more than ${MAX_DECODER_BYTES} bytes of memory`, {
        cause: error,
      });
    case 'LZMA_BUF_ERROR':
      return new DecodeFault('corrupt', 'the data is cut short', { cause: error });
    case 'LZMA_FORMAT_ERROR':
      return new DecodeFault('corrupt', 'something that is not xz data follows or begins it', { cause: error });
    default:
      return new DecodeFault('corrupt', error.message, { cause: error });
  }
}
