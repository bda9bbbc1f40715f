import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFile, temporaryPathOf } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { hasCode, InputError } from './input-error.ts';
import { readChunks } from './source.ts';

/** How many decoded indexes a cache directory keeps: the newest ones. */
export const MAX_CACHED_TEXTS = 8;

/** The file of one decoded index: `<sha512 of the compressed bytes>.text2`. It holds the text, and after it the seal: the number
 *  of its bytes, and the CRC-32 of that digest in hex and of the text. The seal is against damage: whoever can write here for
 *  ill can do worse, and a stronger digest costs a tenth of a whole command. The number changes whenever the text or this
 *  layout could. */
const ENTRY = /^[0-9a-f]{128}\.text2$/u;

/** A file being written: `<entry>.<random>.tmp`. A killed process leaves one behind. */
const DRAFT = /^[0-9a-f]{128}\.text2\.[0-9a-f]{16}\.tmp$/u;

const SEAL_BYTES = 12;
const OLD_DRAFT_MS = 60 * 60 * 1000;

/** Where decoded texts are kept, and how to tell a user who wants to know that the cache could not help. */
export interface TextCache {
  readonly dir: string;
  readonly note: (message: string) => void;
}

/** Returns the text kept for these compressed bytes, after its seal was checked; undefined if there is none, if it is damaged, or
 *  if it is larger than allowed. Never throws. A text that is returned must be iterated, which closes its file; its chunks
 *  last until the next is asked for. It is read twice, through a few buffers: that is sooner done than to make room for all of it. */
export async function readCachedText(
  cache: TextCache,
  sha512: string,
  maxTextBytes: number,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const path = entryPath(cache, sha512);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const textBytes = Math.max(0, (await file.stat()).size - SEAL_BYTES);
    if (textBytes <= maxTextBytes) {
      const spare: Uint8Array[] = [];
      if (await hasSeal(file, textBytes, sha512, spare)) return textIn(file, textBytes, spare, path);
      cache.note(`the cached text is damaged and will be made anew: \`${path}\``);
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) cache.note(`the cached text cannot be read: ${messageOf(error)}`);
  }
  await file?.close().catch(() => undefined);
  return undefined;
}

/** Whether the first `textBytes` of the file are followed by their seal. */
async function hasSeal(file: FileHandle, textBytes: number, sha512: string, spare: Uint8Array[]): Promise<boolean> {
  const seal = new Seal(sha512);
  for await (const chunk of readChunks(file, spare, textBytes)) {
    seal.add(chunk);
    spare.push(chunk);
  }
  const kept = Buffer.alloc(SEAL_BYTES);
  await file.read(kept, 0, SEAL_BYTES, textBytes);
  return seal.bytes().equals(kept);
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
  if (missing > 0) throw new InputError('io', `the cached text became shorter while it was read: \`${path}\``);
}

/** Passes a decoded text on and writes a copy, which appears in the cache only after the text has ended without an error. A failure
 *  of the copy is a note, never an error. Stopping early leaves nothing. Several processes may do the same at once. */
export async function* keepText(
  cache: TextCache,
  sha512: string,
  text: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const entry = await openEntry(cache, sha512);
  let writing: Promise<void> | undefined;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const write = (): Promise<void> => {
    const chunks = waiting;
    waiting = [];
    waitingBytes = 0;
    return chunks.length === 0 ? Promise.resolve() : entry.write(chunks);
  };
  try {
    for await (const chunk of text) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes >= WRITE_BYTES) {
        await writing;
        writing = write();
      }
      yield chunk;
    }
    await writing;
    await write();
    await entry.publish();
  } finally {
    await writing;
    await entry.discard();
  }
}

/** Bytes per write: a decoder produces pieces of about 100 KB, and each write costs a switch to another thread. */
const WRITE_BYTES = 1024 * 1024;

/** A temporary file that becomes an entry. After a failure, which is reported as a note, all methods do nothing. */
interface NewEntry {
  write(chunks: readonly Uint8Array[]): Promise<void>;
  publish(): Promise<void>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

async function openEntry(cache: TextCache, sha512: string): Promise<NewEntry> {
  const target = entryPath(cache, sha512);
  const path = temporaryPathOf(target);
  const seal = new Seal(sha512);
  let file: FileHandle | undefined;

  const discard = async (): Promise<void> => {
    if (file === undefined) return;
    const closing = file;
    file = undefined;
    await closing.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
  };
  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      cache.note(`the decoded index is not cached: ${messageOf(error)}`);
      await discard();
    }
  };
  const append = async (chunks: readonly Uint8Array[]): Promise<void> => {
    if (file === undefined) return;
    const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await file.writev(chunks);
    if (bytesWritten < sizeBytes) throw new Error(`wrote only ${bytesWritten} of ${sizeBytes} bytes: \`${path}\``);
  };

  await attempt(async () => {
    await makeDirectory(cache.dir, 0o700);
    file = await open(path, 'wx', 0o600);
  });
  return {
    discard,
    write: async (chunks) => {
      for (const chunk of chunks) seal.add(chunk);
      await attempt(() => append(chunks));
    },
    publish: async () => {
      await attempt(async () => {
        if (file === undefined) return;
        await append([seal.bytes()]);
        await file.close();
        await replaceFile(path, target);
        file = undefined;
        await prune(cache.dir);
      });
    },
  };
}

/** Removes all but the newest entries, and what killed processes left. Touches no other file. */
async function prune(dir: string): Promise<void> {
  const entries: { readonly path: string; readonly mtimeMs: number }[] = [];
  const now = Date.now();
  for (const name of await readdir(dir)) {
    if (!ENTRY.test(name) && !DRAFT.test(name)) continue;
    const path = join(dir, name);
    // Another process may have removed it.
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) continue;
    if (ENTRY.test(name)) entries.push({ path, mtimeMs: status.mtimeMs });
    else if (now - status.mtimeMs > OLD_DRAFT_MS) await rm(path, { force: true });
  }
  const old = entries.toSorted((a, b) => b.mtimeMs - a.mtimeMs).slice(MAX_CACHED_TEXTS);
  for (const { path } of old) await rm(path, { force: true });
}

function entryPath(cache: TextCache, sha512: string): string {
  return join(cache.dir, `${sha512}.text2`);
}

class Seal {
  #textBytes = 0;
  #crc: number;

  constructor(sha512: string) {
    this.#crc = crc32(sha512);
  }

  add(text: Uint8Array): this {
    this.#textBytes += text.length;
    this.#crc = crc32(text, this.#crc);
    return this;
  }

  bytes(): Buffer {
    const seal = Buffer.alloc(SEAL_BYTES);
    seal.writeDoubleLE(this.#textBytes);
    seal.writeUInt32LE(this.#crc, 8);
    return seal;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
