import { createHash } from 'node:crypto';
import { decode } from './decode.ts';
import { DecodeFault, faultIn, type Faulty } from './input-error.ts';
import { SNIFF_BYTES, sniffCompression, type Compression } from './sniff.ts';
import { readFileChunks, readStdin, untilAborted } from './source.ts';
import { keepText, readCachedText } from './text-cache.ts';

export interface InputLimits {
  /** Most bytes of text, plain or decoded. */
  readonly maxTextBytes: number;
  /** Most bytes of a compressed index, which is read whole before it is decoded. */
  readonly maxCompressedBytes: number;
}

/** Some fourteen times Cygwin's index of 2025 (18.7 MB of text, 3.4 MB as .xz). */
export const DEFAULT_INPUT_LIMITS: InputLimits = {
  maxTextBytes: 256 * 1024 * 1024,
  maxCompressedBytes: 64 * 1024 * 1024,
};

export interface OpenIndexOptions {
  /** What to call the index in errors; by default the path, `-`, or `index`. */
  readonly name?: string | undefined;
  /** What `-` reads; by default the standard input of this process. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Where decoded texts are kept and looked up; without it, nowhere. */
  readonly cacheDir?: string | undefined;
  readonly limits?: Partial<InputLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether the digest of a plain text is wanted, which costs a twentieth of a whole command; by default it is. */
  readonly digest?: boolean | undefined;
  /** Told why the cache could not help; never an error. */
  readonly note?: ((message: string) => void) | undefined;
}

/** What was read, known once the chunks have ended. */
export interface IndexFacts {
  readonly compression: Compression | 'none';
  /** Of the bytes as read, before decoding: their number, and their SHA-512 in hex; that is empty for a plain text when it was
   *  not wanted. */
  readonly sizeBytes: number;
  readonly sha512: string;
  readonly textBytes: number;
  /** True if the text came from the cache. */
  readonly isFromCache: boolean;
}

export interface IndexInput {
  readonly name: string;
  /** The text. Nothing is opened before the first chunk is asked for; ending, failing and stopping early close everything.
   *  Only once: a second iteration throws. Chunks vary in size, are not to be changed, and last until the next is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Throws unless the chunks have ended. */
  facts(): IndexFacts;
}

/** Opens an index: a path, `-` for standard input, or chunks from elsewhere. The compression is told from the bytes.
 *  The text is whole or there is an error, though a consumer has seen some of it by then: whatever is damaged, cut short or
 *  followed by something else is refused, as far as the format has checksums. The cache changes nothing but the time it takes.
 *  Iterating throws `InputError` (`not-found`, `io`, `corrupt`, `limit`), the signal's reason, or what a source of chunks throws. */
export function openIndex(source: string | AsyncIterable<Uint8Array>, options: OpenIndexOptions = {}): IndexInput {
  const name = options.name ?? (typeof source === 'string' ? source : 'index');
  let facts: IndexFacts | undefined;
  const path = typeof source === 'string' && source !== '-' ? source : undefined;
  let isUsed = false;
  const iterate = (): AsyncIterator<Uint8Array> => {
    if (isUsed) throw new Error(`the chunks of an index can be iterated only once: ${name}`);
    isUsed = true;
    const spare: Uint8Array[] = [];
    const bytes = untilAborted(bytesOf(source, options, spare), options.signal);
    const recycle = (chunk: Uint8Array): void => {
      if (path !== undefined) spare.push(chunk);
    };
    return readText({ name, path }, bytes, recycle, options, (found) => {
      facts = found;
    });
  };
  return {
    name,
    chunks: { [Symbol.asyncIterator]: iterate },
    facts: () => {
      if (facts === undefined) throw new Error(`the facts of an index are known once its chunks have ended: ${name}`);
      return facts;
    },
  };
}

function bytesOf(
  source: string | AsyncIterable<Uint8Array>,
  options: OpenIndexOptions,
  spare: Uint8Array[],
): AsyncIterable<Uint8Array> {
  if (typeof source !== 'string') return source;
  return source === '-' ? readStdin(options.stdin ?? process.stdin) : readFileChunks(source, spare);
}

async function* readText(
  index: Pick<Faulty, 'name' | 'path'>,
  bytes: AsyncIterable<Uint8Array>,
  recycle: (chunk: Uint8Array) => void,
  options: OpenIndexOptions,
  onEnd: (facts: IndexFacts) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const limits = { ...DEFAULT_INPUT_LIMITS, ...options.limits };
  const hash = createHash('sha512');
  let sizeBytes = 0;
  let textBytes = 0;
  let compression: Compression | 'none' | undefined;
  /** The beginning, until the compression is known; then everything, if there is one. */
  let held: Uint8Array[] = [];

  const counted = (text: Uint8Array): Uint8Array => {
    textBytes += text.length;
    if (textBytes > limits.maxTextBytes)
      throw new DecodeFault('limit', `it holds more than ${limits.maxTextBytes} bytes of text`);
    options.signal?.throwIfAborted();
    return text;
  };

  try {
    for await (const chunk of bytes) {
      if (compression !== 'none' || options.digest !== false) hash.update(chunk);
      sizeBytes += chunk.length;
      if (compression === 'none') {
        yield counted(chunk);
        recycle(chunk);
        continue;
      }
      held.push(chunk);
      if (sizeBytes < SNIFF_BYTES) continue;
      compression ??= sniffCompression(Buffer.concat(held));
      if (compression === 'none') {
        for (const text of held) yield counted(text);
        held = [];
      } else if (sizeBytes > limits.maxCompressedBytes) {
        throw new DecodeFault('limit', `it has more than ${limits.maxCompressedBytes} bytes`);
      }
    }
    const rest = Buffer.concat(held);
    held = [];
    compression ??= sniffCompression(rest);
    const sha512 = compression === 'none' && options.digest === false ? '' : hash.digest('hex');
    let isFromCache = false;
    if (compression === 'none') {
      if (rest.length > 0) yield counted(rest);
    } else {
      const text = await textOf(compression, rest, sha512, limits, options);
      isFromCache = text.isFromCache;
      for await (const chunk of text.chunks) yield counted(chunk);
    }
    onEnd({ compression, sizeBytes, sha512, textBytes, isFromCache });
  } catch (error) {
    throw error instanceof DecodeFault ? faultIn({ ...index, compression: compression ?? 'none' }, error) : error;
  }
}

interface Text {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly isFromCache: boolean;
}

async function textOf(
  compression: Compression,
  bytes: Uint8Array,
  sha512: string,
  limits: InputLimits,
  options: OpenIndexOptions,
): Promise<Text> {
  const { maxTextBytes } = limits;
  if (options.cacheDir === undefined) return { chunks: decode(compression, bytes, maxTextBytes), isFromCache: false };
  const cache = { dir: options.cacheDir, note: options.note ?? (() => undefined) };
  const cached = await readCachedText(cache, sha512, maxTextBytes);
  if (cached === undefined)
    return {
      chunks: keepText(cache, sha512, (into) => decode(compression, bytes, maxTextBytes, into)),
      isFromCache: false,
    };
  return { chunks: cached, isFromCache: true };
}
