import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  open as openCallback,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode } from '../../io/system-error.ts';
import { algorithmOf } from '../files/file.ts';
import type { Digest, RepoFile } from '../files/file.ts';
import { PART_NOTE_SUFFIX, PART_SUFFIX } from '../files/layout.ts';
import { shown } from '../files/verify-error.ts';
import type { FileStatus } from './file-status.ts';

const open = promisify(openCallback);

const READ_BYTES = 1 << 20;

/** The temporary file beside a target, counted and hashed while it is written. All writes are synchronous: for many
 *  small files that takes half the time of asynchronous ones, and for large files the network is slower. Methods throw
 *  errors of the system. */
export class PartFile {
  readonly #fd: number;
  readonly #algorithm: Digest['algorithm'];
  #hash: Hash;
  #sizeBytes = 0;
  #isClosed = false;

  private constructor(fd: number, algorithm: Digest['algorithm']) {
    this.#fd = fd;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Creates the part of `location`. An older part is unlinked and never written to: it may be a hard link to another
   *  file. */
  static async create(location: string, algorithm: Digest['algorithm']): Promise<PartFile> {
    const path = `${location}${PART_SUFFIX}`;
    try {
      return new PartFile(await open(path, 'wx'), algorithm);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    discardPart(location);
    return new PartFile(await open(path, 'wx'), algorithm);
  }

  /** Opens the part that an earlier attempt left for the same content, and hashes what it has. Returns undefined if
   *  there is none. */
  static async reopen(
    location: string,
    file: RepoFile,
    signal: AbortSignal | undefined,
  ): Promise<PartFile | undefined> {
    const path = `${location}${PART_SUFFIX}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || found.nlink > 1) return undefined;
    const part = new PartFile(await open(path, 'r+'), algorithmOf(file));
    try {
      await part.#hashExisting(file.sizeBytes, signal);
      return part;
    } catch (error) {
      part.close();
      throw error;
    }
  }

  /** Bytes written, those of earlier attempts included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    // A full disk accepts a part of a chunk and reports an error at the next call.
    for (let at = 0; at < chunk.length;) at += writeSync(this.#fd, chunk, at, chunk.length - at, this.#sizeBytes + at);
    this.#sizeBytes += chunk.length;
  }

  /** Ends the file: sets its modification time, and returns its digest in lower-case hexadecimal and its status. */
  finish(mtimeMs: number): { readonly hex: string; readonly status: FileStatus } {
    futimesSync(this.#fd, mtimeMs / 1000, mtimeMs / 1000);
    return { hex: this.#hash.digest('hex'), status: fstatSync(this.#fd, { bigint: true }) };
  }

  /** Discards everything written. */
  restart(): void {
    ftruncateSync(this.#fd, 0);
    this.#hash = createHash(this.#algorithm);
    this.#sizeBytes = 0;
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }

  async #hashExisting(maxBytes: number, signal: AbortSignal | undefined): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    while (this.#sizeBytes < maxBytes) {
      await nextTurn();
      signal?.throwIfAborted();
      const wanted = Math.min(READ_BYTES, maxBytes - this.#sizeBytes);
      const bytes = readSync(this.#fd, buffer, 0, wanted, this.#sizeBytes);
      if (bytes === 0) break;
      this.#hash.update(buffer.subarray(0, bytes));
      this.#sizeBytes += bytes;
    }
    // Another program may have made it longer than the file.
    ftruncateSync(this.#fd, this.#sizeBytes);
  }
}

/** Describes an incomplete part that is kept for the next attempt. */
export interface PartNote {
  /** The entity tag or date of the file at the site, if it sent one. */
  readonly validator: string | undefined;
}

/** Reads the note of a kept part; undefined if there is none, or if it belongs to another content. */
export function readPartNote(location: string, file: RepoFile): PartNote | undefined {
  try {
    const note: unknown = JSON.parse(readFileSync(`${location}${PART_NOTE_SUFFIX}`, 'utf8'));
    if (typeof note !== 'object' || note === null || !('content' in note) || note.content !== contentOf(file))
      return undefined;
    return { validator: 'validator' in note && typeof note.validator === 'string' ? note.validator : undefined };
  } catch {
    // Missing or half written: the download starts again.
    return undefined;
  }
}

/** Writes the note of a part. Throws errors of the system. */
export function writePartNote(location: string, file: RepoFile, { validator }: PartNote): void {
  const path = `${location}${PART_NOTE_SUFFIX}`;
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify({ content: contentOf(file), validator })}\n`, { flag: 'wx' });
}

/** Removes a part, then its note, so that a part never loses its note. */
export function discardPart(location: string): void {
  rmSync(`${location}${PART_SUFFIX}`, { force: true });
  discardPartNote(location);
}

export function discardPartNote(location: string): void {
  rmSync(`${location}${PART_NOTE_SUFFIX}`, { force: true });
}

function contentOf({ sizeBytes, digest }: RepoFile): string {
  return `${sizeBytes} ${digest === undefined ? '-' : shown(digest)}`;
}
