import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { hasCode, InputError } from './input-error.ts';
import { readChunks } from './source.ts';
import type { TextFile } from './xz-program.ts';

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

/** Passes a decoded text on and keeps a copy, which is published only when the text has ended well. What the decoder has written into
 *  the copy itself is not written again. Trouble with the copy is a note, never an error; stopping early leaves nothing behind.
 *  Several processes may do the same at once. */
export async function* keepText(
  cache: TextCache,
  sha512: string,
  decodeInto: (into: TextFile | undefined) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const draft = await openDraft(cache, sha512);
  const { into } = draft;
  let writing: Promise<void> | undefined;
  let textBytes = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const write = (): Promise<void> => {
    const chunks = waiting;
    const at = textBytes - waitingBytes;
    waiting = [];
    waitingBytes = 0;
    return chunks.length === 0 ? Promise.resolve() : draft.write(chunks, at);
  };
  try {
    for await (const chunk of decodeInto(into)) {
      draft.seal(chunk);
      textBytes += chunk.length;
      if ((into?.writtenBytes ?? 0) < textBytes) {
        waiting.push(chunk);
        waitingBytes += chunk.length;
      }
      if (waitingBytes >= WRITE_BYTES) {
        await writing;
        writing = write();
      }
      yield chunk;
    }
    await writing;
    await write();
    await draft.publish(textBytes);
  } finally {
    await writing;
    await draft.discard();
  }
}

/** Bytes that are written at once: a decoder gives pieces of some 100 KB, and each write costs a turn on another thread. */
const WRITE_BYTES = 1024 * 1024;

/** A file that does not exist for others until it is published. After a failure, which becomes a note, nothing more happens. */
interface Draft {
  /** The file, for a decoder that can write the text into it. */
  readonly into: TextFile | undefined;
  /** Counts the next bytes of the text. */
  seal(text: Uint8Array): void;
  write(chunks: readonly Uint8Array[], at: number): Promise<void>;
  /** Ends the file after so many bytes of text. */
  publish(textBytes: number): Promise<void>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

async function openDraft(cache: TextCache, sha512: string): Promise<Draft> {
  const target = entryPath(cache, sha512);
  const path = `${target}.${randomBytes(8).toString('hex')}.tmp`;
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

  await attempt(async () => {
    await makeDir(cache.dir);
    file = await open(path, 'wx+', 0o600);
  });
  return {
    into: file === undefined ? undefined : { file, writtenBytes: 0 },
    discard,
    seal: (text) => void seal.add(text),
    write: async (chunks, at) => {
      await attempt(async () => {
        if (file === undefined) return;
        const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
        const { bytesWritten } = await file.writev(chunks, at);
        if (bytesWritten < sizeBytes)
          throw new Error(`only ${bytesWritten} of ${sizeBytes} bytes could be written: \`${path}\``);
      });
    },
    publish: async (textBytes) => {
      await attempt(async () => {
        if (file === undefined) return;
        // A decoder that failed may have written more than what became of the text.
        await file.truncate(textBytes);
        const { bytesWritten } = await file.write(seal.bytes(), 0, SEAL_BYTES, textBytes);
        if (bytesWritten < SEAL_BYTES) throw new Error(`there is no room for all of it: \`${path}\``);
        await file.close();
        await rename(path, target);
        file = undefined;
        await prune(cache.dir);
      });
    },
  };
}

/** Makes a directory and what is missing above it. Not `mkdir` with `recursive`, which goes round for ever where a file system
 *  says ENOENT to every new directory, as /proc does (Node.js 20). */
async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT') || dirname(dir) === dir) throw error;
    await makeDir(dirname(dir));
    await mkdir(dir, { mode: 0o700 }).catch((again: unknown) => {
      if (!hasCode(again, 'EEXIST')) throw again;
    });
  }
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
