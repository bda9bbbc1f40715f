import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFile, targetOfTemporary, temporaryPathOf } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { isMissing } from '../io/system-error.ts';
import { InputError } from './input-error.ts';
import { readChunks } from './source.ts';

/** Number of decoded indexes that a cache directory holds: the newest. */
export const MAX_CACHED_TEXTS = 8;

/** File of one decoded index: `<sha512 of the compressed bytes>.text2`. It holds the text and a trailer: the number of
 *  its bytes, and the CRC-32 of that digest in hex and of the text. The trailer detects damage, not attacks: a user who
 *  can write to the cache can do worse, and a stronger digest costs a tenth of a command. Change the number when the
 *  text or the layout changes. */
const ENTRY = /^[0-9a-f]{128}\.text2$/u;

const TRAILER_BYTES = 12;

/** Age at which the temporary file of a killed process is removed. */
const OLD_TEMPORARY_MS = 60 * 60 * 1000;

/** Bytes per write: decoders yield pieces of about 100 KB, and each write switches threads. */
const WRITE_BYTES = 1024 * 1024;

/** Pieces per write, for data that is decoded into many small ones. */
const WRITE_PIECES = 256;

export interface TextCache {
  readonly dir: string;
  /** Receives the reason when the cache cannot be used. */
  readonly note: (message: string) => void;
}

/** Returns the cached text of these compressed bytes after verifying its trailer; undefined if it is missing, damaged
 *  or larger than `maxTextBytes`. Never throws. The caller must iterate the text, which closes its file; a chunk is
 *  valid until the next is requested. The file is read twice through a few buffers, which is faster than allocating
 *  memory for the whole text. */
export async function readCachedText(
  cache: TextCache,
  sha512: string,
  maxTextBytes: number,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const path = entryPath(cache, sha512);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const textBytes = Math.max(0, (await file.stat()).size - TRAILER_BYTES);
    if (textBytes <= maxTextBytes) {
      const spare: Uint8Array[] = [];
      if (await hasTrailer(file, textBytes, sha512, spare)) return textIn(file, textBytes, spare, path);
      cache.note(`the cached text is damaged and will be replaced: \`${path}\``);
    }
  } catch (error) {
    if (!isMissing(error)) cache.note(`cannot read the cached text: ${messageOf(error)}`);
  }
  await file?.close().catch(() => undefined);
  return undefined;
}

/** Returns whether the correct trailer follows the first `textBytes` of the file. */
async function hasTrailer(file: FileHandle, textBytes: number, sha512: string, spare: Uint8Array[]): Promise<boolean> {
  const trailer = new Trailer(sha512);
  for await (const chunk of readChunks(file, spare, textBytes)) {
    trailer.add(chunk);
    spare.push(chunk);
  }
  const stored = Buffer.alloc(TRAILER_BYTES);
  await file.read(stored, 0, TRAILER_BYTES, textBytes);
  return trailer.bytes().equals(stored);
}

async function* textIn(
  file: FileHandle,
  textBytes: number,
  spare: Uint8Array[],
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let missing = textBytes;
  try {
    for await (const chunk of readChunks(file, spare, textBytes)) {
      missing -= chunk.length;
      yield chunk;
      spare.push(chunk);
    }
  } catch (cause) {
    throw new InputError('io', `cannot read the cached text: \`${path}\``, { cause });
  } finally {
    await file.close();
  }
  if (missing > 0) throw new InputError('io', `the cached text was truncated while it was read: \`${path}\``);
}

/** Yields a decoded text and writes a copy to the cache. The entry appears only after the end of the text; a failure
 *  and an early stop leave no file. A failed write is a note, never an error. Several processes can write the same
 *  entry. */
export async function* cacheText(
  cache: TextCache,
  sha512: string,
  decoded: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const entry = new EntryWriter(cache, sha512);
  let writing = entry.open();
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  try {
    for await (const chunk of decoded) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes >= WRITE_BYTES || waiting.length >= WRITE_PIECES) {
        await writing;
        writing = entry.write(waiting);
        waiting = [];
        waitingBytes = 0;
      }
      yield chunk;
    }
    await writing;
    if (waiting.length > 0) await entry.write(waiting);
    await entry.publish();
  } finally {
    await writing;
    await entry.discard();
  }
}

/** Writes one entry through a temporary file. After the first failure, which becomes a note, all methods do nothing. */
class EntryWriter {
  readonly #cache: TextCache;
  readonly #path: string;
  readonly #temporary: string;
  readonly #trailer: Trailer;
  #file: FileHandle | undefined;

  constructor(cache: TextCache, sha512: string) {
    this.#cache = cache;
    this.#path = entryPath(cache, sha512);
    this.#temporary = temporaryPathOf(this.#path);
    this.#trailer = new Trailer(sha512);
  }

  async open(): Promise<void> {
    await this.#attempt(async () => {
      await makeDirectory(this.#cache.dir, 0o700);
      this.#file = await open(this.#temporary, 'wx', 0o600);
    });
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    for (const chunk of chunks) this.#trailer.add(chunk);
    await this.#attempt(() => this.#append(file, chunks));
  }

  /** Completes the entry, makes it visible, and removes old entries. */
  async publish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    await this.#attempt(async () => {
      await this.#append(file, [this.#trailer.bytes()]);
      await file.close();
      await replaceFile(this.#temporary, this.#path);
      this.#file = undefined;
      await removeOldFiles(this.#cache.dir);
    });
  }

  /** Removes the temporary file of an unpublished entry. */
  async discard(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await file.close().catch(() => undefined);
    await rm(this.#temporary, { force: true }).catch(() => undefined);
  }

  async #append(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
    const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await file.writev(chunks);
    if (bytesWritten < sizeBytes) {
      throw new Error(`only ${bytesWritten} of ${sizeBytes} bytes could be written: \`${this.#temporary}\``);
    }
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#cache.note(`the decoded index is not cached: ${messageOf(error)}`);
      await this.discard();
    }
  }
}

/** Removes all but the newest entries, and temporary files of killed processes. Never touches other files. */
async function removeOldFiles(dir: string): Promise<void> {
  const entries: { readonly path: string; readonly mtimeMs: number }[] = [];
  const now = Date.now();
  for (const name of await readdir(dir)) {
    const isEntry = ENTRY.test(name);
    if (!isEntry && !ENTRY.test(targetOfTemporary(name) ?? '')) continue;
    const path = join(dir, name);
    // Another process may have removed it.
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) continue;
    if (isEntry) entries.push({ path, mtimeMs: status.mtimeMs });
    else if (now - status.mtimeMs > OLD_TEMPORARY_MS) await rm(path, { force: true });
  }
  const old = entries.toSorted((a, b) => b.mtimeMs - a.mtimeMs).slice(MAX_CACHED_TEXTS);
  for (const { path } of old) await rm(path, { force: true });
}

function entryPath(cache: TextCache, sha512: string): string {
  return join(cache.dir, `${sha512}.text2`);
}

class Trailer {
  #textBytes = 0;
  #crc: number;

  constructor(sha512: string) {
    this.#crc = crc32(sha512);
  }

  add(text: Uint8Array): void {
    this.#textBytes += text.length;
    this.#crc = crc32(text, this.#crc);
  }

  bytes(): Buffer {
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeDoubleLE(this.#textBytes);
    trailer.writeUInt32LE(this.#crc, 8);
    return trailer;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
