import { createHash } from 'node:crypto';
import { untilAborted } from '../io/abort.ts';
import { ByteBuffer } from '../io/byte-buffer.ts';
import { decode } from './decode.ts';
import { DecodeFault, foreignTextError, inputErrorFrom, type FaultyIndex } from './input-error.ts';
import { SNIFF_BYTES, foreignText, sniffCompression, type Compression } from './sniff.ts';
import { readFileChunks, readStdin } from './source.ts';
import { cacheText, readCachedText } from './text-cache.ts';

export interface InputLimits {
  /** Largest text in bytes, plain or decoded. */
  readonly maxTextBytes: number;
  /** Largest compressed index in bytes. It is read completely before it is decoded. */
  readonly maxCompressedBytes: number;
}

/** About fourteen times Cygwin's index of 2025, which has 18.7 MB of text and 3.4 MB as .xz. */
export const DEFAULT_INPUT_LIMITS: InputLimits = {
  maxTextBytes: 256 * 1024 * 1024,
  maxCompressedBytes: 64 * 1024 * 1024,
};

export interface OpenIndexOptions {
  /** Name of the index in errors. Default: the path, `-`, or `index`. */
  readonly name?: string | undefined;
  /** Stream that `-` reads. Default: standard input of this process. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Cache directory of decoded texts. Default: no cache. */
  readonly cacheDir?: string | undefined;
  readonly limits?: Partial<InputLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Compute the digest of a plain text, which costs 5 % of a command. Default: true. */
  readonly digest?: boolean | undefined;
  /** Receives the reason when the cache cannot be used, which is never an error. */
  readonly note?: ((message: string) => void) | undefined;
}

/** Facts about an index, known after its last chunk. */
export interface IndexFacts {
  readonly compression: Compression | 'none';
  /** Number of bytes before decoding. */
  readonly sizeBytes: number;
  /** SHA-512 in hex of the bytes before decoding; empty for a plain text with `digest: false`. */
  readonly sha512: string;
  readonly textBytes: number;
  readonly isFromCache: boolean;
}

export interface IndexInput {
  readonly name: string;
  /** The text in chunks of various sizes. The source is opened at the first chunk, and closed at the end, on failure
   *  and when the caller stops early. A second iteration throws. The caller must not modify a chunk; it is valid until
   *  the next is requested. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Returns the facts. Throws before the end of the chunks. */
  facts(): IndexFacts;
}

/** Opens an index: a path, `-` for standard input, or chunks. The first bytes determine the compression.
 *  Damaged or truncated data and trailing bytes are errors, as far as the format has checksums; the caller may have
 *  received a part of the text by then. The cache does not change the result. Iterating the chunks throws `InputError`
 *  (`not-found`, `io`, `corrupt`, `limit`), the reason of the signal, and errors of a source of chunks. */
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
      if (facts === undefined) throw new Error(`the facts of an index are known after its last chunk: ${name}`);
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
  index: Pick<FaultyIndex, 'name' | 'path'>,
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
  /** First bytes until the compression is known; then the whole compressed index. */
  const held = new ByteBuffer();

  const counted = (text: Uint8Array): Uint8Array => {
    textBytes += text.length;
    if (textBytes > limits.maxTextBytes)
      throw new DecodeFault('limit', `more than ${limits.maxTextBytes} bytes of text`);
    options.signal?.throwIfAborted();
    return text;
  };

  /** Refuses the first bytes of a text that is no index. */
  const checked = (head: Uint8Array): Uint8Array => {
    const foreign = foreignText(head);
    if (foreign !== undefined) throw foreignTextError(index.name, foreign);
    return head;
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
      held.add(chunk);
      if (sizeBytes < SNIFF_BYTES) continue;
      if (compression === undefined) {
        const head = held.take();
        compression = sniffCompression(head);
        if (compression === 'none') {
          yield counted(checked(head));
        } else held.add(head);
      }
      if (compression !== 'none' && sizeBytes > limits.maxCompressedBytes)
        throw new DecodeFault('limit', `more than ${limits.maxCompressedBytes} compressed bytes`);
    }
    const rest = held.take();
    compression ??= sniffCompression(rest);
    const sha512 = compression === 'none' && options.digest === false ? '' : hash.digest('hex');
    let isFromCache = false;
    if (compression === 'none') {
      if (rest.length > 0) yield counted(checked(rest));
    } else {
      const text = await textOf(compression, rest, sha512, limits, options);
      isFromCache = text.isFromCache;
      for await (const chunk of text.chunks) yield counted(textBytes === 0 ? checked(chunk) : chunk);
    }
    onEnd({ compression, sizeBytes, sha512, textBytes, isFromCache });
  } catch (error) {
    throw error instanceof DecodeFault
      ? inputErrorFrom({ ...index, compression: compression ?? 'none' }, error)
      : error;
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
  if (cached !== undefined) return { chunks: cached, isFromCache: true };
  return { chunks: cacheText(cache, sha512, decode(compression, bytes, maxTextBytes)), isFromCache: false };
}
