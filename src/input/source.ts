import { once } from 'node:events';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { hasCode, InputError } from './input-error.ts';

/** A little over 1 MB: V8 keeps longer decoded texts outside its heap, which is faster to make and nothing to collect. */
const READ_BYTES = 1024 * 1024;

/** Reads a file, with one read ahead of the caller. Stopping early closes the file. A caller who is done with a chunk may put it
 *  into `spare` for a later one: memory that is new to a process costs as much as reading into it.
 *  Throws `InputError`: `not-found`, or `io` for a directory and for what cannot be read. */
export async function* readFileChunks(
  path: string,
  spare: Uint8Array[] = [],
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(path);
  try {
    yield* readChunks(file, spare);
  } catch (error) {
    throw cannotRead(path, error);
  } finally {
    await file.close();
  }
}

/** The same for a file that is open, and stays so: from where it stands to its end, or its first `firstBytes`. */
export async function* readChunks(
  file: FileHandle,
  spare: Uint8Array[],
  firstBytes?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  const ask = (): Promise<Uint8Array> =>
    firstBytes === undefined
      ? readChunk(file, spare, READ_BYTES, null)
      : readChunk(file, spare, Math.min(READ_BYTES, firstBytes - at), at);
  let next = ask();
  try {
    for (;;) {
      const chunk = await next;
      if (chunk.length === 0) return;
      at += chunk.length;
      next = ask();
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

/** Reads a standard input (or another foreign stream): its failures become `io`. */
export async function* readStdin(stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stdin;
  } catch (error) {
    throw cannotRead('-', error);
  }
}

/** Passes chunks on until the signal is aborted, then throws its reason at once, even while the source stays silent. */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  const ended = new AbortController();
  const aborted = once(signal, 'abort', { signal: ended.signal }).then((): never => {
    throw signal.reason;
  });
  aborted.catch(() => undefined);
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), aborted]);
      if (done === true) return;
      yield value;
      signal.throwIfAborted();
    }
  } finally {
    ended.abort();
    const closing = iterator.return?.();
    // A source that hears nothing closes only after its next chunk, which may never come.
    if (signal.aborted) closing?.catch(() => undefined);
    else await closing;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw cannotRead(path, error);
    throw new InputError('not-found', `no such index file: \`${path}\``, {
      hint: await hintAtSiblings(path),
      details: { index: path },
      cause: error,
    });
  }
}

async function readChunk(
  file: FileHandle,
  spare: Uint8Array[],
  length: number,
  position: number | null,
): Promise<Uint8Array> {
  const used = spare.pop();
  const buffer = used === undefined ? Buffer.allocUnsafeSlow(READ_BYTES) : new Uint8Array(used.buffer);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function cannotRead(path: string, error: unknown): InputError {
  const isDirectory = hasCode(error, 'EISDIR');
  return new InputError(
    'io',
    isDirectory ? `an index is a file, not a directory: \`${path}\`` : `cannot read the index: \`${path}\``,
    {
      ...(isDirectory && { hint: `name the file in it, such as \`${join(path, 'x86_64', 'setup.xz')}\`` }),
      details: { index: path },
      cause: error,
    },
  );
}

/** Names files beside the missing one that differ from it only in what follows the last dot. */
async function hintAtSiblings(path: string): Promise<string> {
  const names = await readdir(dirname(path)).catch(() => []);
  const siblings = names.filter((name) => parse(name).name === parse(path).name).toSorted();
  if (siblings.length > 0)
    return `did you mean ${siblings.map((name) => `\`${join(dirname(path), name)}\``).join(' or ')}?`;
  return "an index is Cygwin's setup.ini, plain or compressed as .zst, .xz, .bz2 or .gz; `-` reads it from standard input";
}
