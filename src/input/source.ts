import { open, readdir, type FileHandle } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { ARCHITECTURES } from '../core/lock/lock.ts';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import { exists } from '../io/directories.ts';
import { hasCode, isMissing } from '../io/system-error.ts';
import { InputError } from './input-error.ts';

/** A little over 1 MB: V8 keeps longer decoded texts outside its heap, which avoids copies and garbage collection. */
const READ_BYTES = 1024 * 1024;

const FORMS_HINT =
  "an index is Cygwin's setup.ini, plain or compressed as .zst, .xz, .bz2 or .gz; `-` reads it from standard input";

/** Reads a file, one chunk ahead of the caller. Stopping early closes the file. The caller may add chunks that it no
 *  longer needs to `spare`; their memory is used again, because new memory costs as much as the read. Throws
 *  `InputError`: `not-found`; `io` for a directory and for a failed read. */
export async function* readFileChunks(
  path: string,
  spare: Uint8Array[] = [],
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(path);
  try {
    yield* readChunks(file, spare);
  } catch (error) {
    throw hasCode(error, 'EISDIR') ? await directoryError(path, error) : readError(path, error);
  } finally {
    await file.close();
  }
}

/** Reads an open file like {@link readFileChunks} and leaves it open: its first `firstBytes`, or from the current
 *  position to the end. Throws errors of the system. */
export async function* readChunks(
  file: FileHandle,
  spare: Uint8Array[],
  firstBytes?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  const readNext = (): Promise<Uint8Array> =>
    firstBytes === undefined
      ? readChunk(file, spare, READ_BYTES, null)
      : readChunk(file, spare, Math.min(READ_BYTES, firstBytes - at), at);
  let next = readNext();
  try {
    for (;;) {
      const chunk = await next;
      if (chunk.length === 0) return;
      at += chunk.length;
      next = readNext();
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

/** Reads standard input or another stream of Node.js. Throws `InputError` with code `io` when the stream fails. */
export async function* readStdin(stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stdin;
  } catch (error) {
    throw readError('-', error);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!isMissing(error)) throw readError(path, error);
    throw new InputError('not-found', `no such index file: \`${path}\``, {
      hint: await missingHint(path),
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

function readError(path: string, error: unknown): InputError {
  return new InputError('io', `cannot read the index: \`${path}\``, { details: { index: path }, cause: error });
}

/** Suggests the index that the directory has: of an architecture, as in a site, or directly. */
async function directoryError(path: string, error: unknown): Promise<InputError> {
  const paths = [...ARCHITECTURES, '.'].flatMap((arch) => INDEX_FORMS.map((form) => join(path, arch, `setup.${form}`)));
  const areThere = await Promise.all(paths.map(exists));
  const found = paths.find((_path, at) => areThere[at]);
  return new InputError('io', `an index is a file, not a directory: \`${path}\``, {
    hint: found === undefined ? FORMS_HINT : `name the file in it, such as \`${found}\``,
    details: { index: path },
    cause: error,
  });
}

/** Suggests the URL for the name of a host with a port, or files in the same directory whose names differ from the
 *  missing one only in their extension. */
async function missingHint(path: string): Promise<string> {
  if (/^[\w.-]+:\d+\//.test(path)) return `write \`http://${path}\` for the address of an index`;
  const names = await readdir(dirname(path)).catch(() => []);
  const similar = names.filter((name) => parse(name).name === parse(path).name).toSorted();
  if (similar.length > 0)
    return `did you mean ${similar.map((name) => `\`${join(dirname(path), name)}\``).join(' or ')}?`;
  return FORMS_HINT;
}
