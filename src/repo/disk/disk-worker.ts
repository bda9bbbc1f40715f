import type * as Crypto from 'node:crypto';
import type * as Fs from 'node:fs';
import type * as Path from 'node:path';
import type * as Threads from 'node:worker_threads';
import type { Looks } from '../stamps.ts';
import type { Block } from './blocks.ts';
import type { makeDirectory as MakeDirectory } from './directories.ts';

/** One file to read and hash. */
export interface HashTask {
  readonly location: string;
  readonly sha512: boolean;
  readonly md5: boolean;
}

/** What reading a file gave. */
export type FileHash =
  | {
      readonly location: string;
      /** Bytes that were read. */
      readonly sizeBytes: number;
      readonly sha512?: string;
      readonly md5?: string;
      /** Of the open file before it was read. */
      readonly mtimeMs: number;
      readonly ino: number;
    }
  /** The file could not be read: what the system said, such as `EIO`. */
  | { readonly location: string; readonly failure: string };

/** A small file to check and to put into place. */
export interface SmallFile {
  readonly location: string;
  /** The number of the block that holds its bytes, from the start of it. */
  readonly block: number;
  readonly sizeBytes: number;
  readonly algorithm: 'sha512' | 'md5';
  /** In lower-case hexadecimal; undefined: whatever it has is right. */
  readonly expected: string | undefined;
  readonly mtimeMs: number;
}

/** What became of it. */
export interface PlacedFile {
  /** The digest that the bytes have; undefined where it is the one that was expected. */
  readonly hex?: string;
  /** How the file looks; undefined where nothing was written, because the digest is wrong or for the failure. */
  readonly looks?: Looks;
  readonly failure?: SystemFailure;
}

/** An error of the system, as it goes from thread to thread. */
export interface SystemFailure {
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
}

/** What the worker is asked; it answers each in turn, with the same `id`. */
export type DiskRequest = { readonly id: number } & (
  | { readonly kind: 'files'; readonly tasks: readonly HashTask[] }
  /** `blocks` are those that were not named before; a file is written under its name and `suffix` before it is renamed. */
  | {
      readonly kind: 'place';
      readonly small: readonly SmallFile[];
      readonly blocks: readonly Block[];
      readonly suffix: string;
    }
  /** The next bytes of a stream, which stand in the open file `fd` from `at` on; answered with how many there were. */
  | {
      readonly kind: 'update';
      readonly stream: number;
      readonly algorithm: 'sha512' | 'md5';
      readonly fd: number;
      readonly at: number;
      readonly bytes: number;
    }
  | { readonly kind: 'digest'; readonly stream: number; readonly algorithm: 'sha512' | 'md5' }
  | { readonly kind: 'forget'; readonly stream: number }
);

export interface DiskReply {
  readonly id: number;
  readonly bytes?: number;
  /** The file of an `update` could not be read: what the system said. */
  readonly failure?: string;
  readonly files?: readonly FileHash[];
  readonly placed?: readonly PlacedFile[];
  readonly hex?: string;
}

/** The program of a worker thread. It is started from its own text, so that it runs from TypeScript, from `dist` and from a
 *  bundle alike; it must use nothing that stands outside of it. All of it is synchronous, and reading goes in pieces of 1 MiB:
 *  measured twice as fast as anything with promises. */
export function diskWorker(require: (name: string) => unknown, makeDirectory: typeof MakeDirectory): void {
  const { createHash, hash: hashOf } = require('node:crypto') as typeof Crypto;
  const { closeSync, fstatSync, futimesSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } =
    require('node:fs') as typeof Fs;
  const path = require('node:path') as typeof Path;
  const { parentPort } = require('node:worker_threads') as typeof Threads;
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  const streams = new Map<number, Crypto.Hash>();
  const made = new Set<string>();
  const blocks = new Map<number, Uint8Array>();

  const hashFile = ({ location, sha512, md5 }: HashTask): FileHash => {
    let file: number | undefined;
    try {
      file = openSync(location, 'r');
      const { mtimeMs, ino } = fstatSync(file);
      const hashes = [sha512 ? createHash('sha512') : undefined, md5 ? createHash('md5') : undefined] as const;
      let sizeBytes = 0;
      for (
        let bytes = readSync(file, buffer, 0, buffer.length, null);
        bytes > 0;
        bytes = readSync(file, buffer, 0, buffer.length, null)
      ) {
        sizeBytes += bytes;
        const piece = buffer.subarray(0, bytes);
        for (const hash of hashes) hash?.update(piece);
      }
      const [first, second] = hashes;
      return {
        location,
        sizeBytes,
        mtimeMs,
        ino,
        ...(first && { sha512: first.digest('hex') }),
        ...(second && { md5: second.digest('hex') }),
      };
    } catch (error) {
      return { location, failure: String((error as NodeJS.ErrnoException).code ?? error) };
    } finally {
      if (file !== undefined) closeSync(file);
    }
  };

  // Each once, and not only when it proves to be missing: the error that tells of that costs as much as the directory.
  const makeFor = (directory: string): void => {
    if (made.has(directory)) return;
    makeDirectory(directory, { mkdirSync, dirname: (each) => path.dirname(each) });
    made.add(directory);
  };

  const openMaking = (part: string): number => {
    const directory = path.dirname(part);
    makeFor(directory);
    try {
      return openSync(part, 'w');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Somebody has removed it since.
      made.delete(directory);
      makeFor(directory);
      return openSync(part, 'w');
    }
  };

  const write = (bytes: Uint8Array, part: string, { location, mtimeMs }: SmallFile): Looks => {
    const file = openMaking(part);
    let looks: Looks;
    try {
      // A full disk takes a part, and says so at the next call.
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      futimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
      const { size, mtimeMs: shownMs, ino } = fstatSync(file);
      looks = { size, mtimeMs: shownMs, ino };
    } finally {
      closeSync(file);
    }
    renameSync(part, location);
    return looks;
  };

  const place = (small: SmallFile, suffix: string): PlacedFile => {
    const block = blocks.get(small.block);
    if (block === undefined) throw new Error('a file in a block that was never named');
    const bytes = block.subarray(0, small.sizeBytes);
    const hex = hashOf(small.algorithm, bytes, 'hex');
    const isExpected = small.expected === hex;
    if (small.expected !== undefined && !isExpected) return { hex };
    const part = `${small.location}${suffix}`;
    try {
      const looks = write(bytes, part, small);
      return isExpected ? { looks } : { hex, looks };
    } catch (error) {
      try {
        rmSync(part, { force: true });
      } catch {
        // The first failure is the one to tell of.
      }
      const { message, code, syscall } = error as NodeJS.ErrnoException;
      return { failure: { message, code, syscall } };
    }
  };

  const streamOf = (stream: number, algorithm: 'sha512' | 'md5'): Crypto.Hash => {
    const hash = streams.get(stream) ?? createHash(algorithm);
    streams.set(stream, hash);
    return hash;
  };

  const hashPart = ({
    stream,
    algorithm,
    fd,
    at,
    bytes,
  }: DiskRequest & { readonly kind: 'update' }): Omit<DiskReply, 'id'> => {
    let done = 0;
    try {
      const hash = streamOf(stream, algorithm);
      while (done < bytes) {
        const read = readSync(fd, buffer, 0, Math.min(buffer.length, bytes - done), at + done);
        if (read === 0) break;
        hash.update(buffer.subarray(0, read));
        done += read;
      }
      return { bytes: done };
    } catch (error) {
      return { failure: String((error as NodeJS.ErrnoException).code ?? error) };
    }
  };

  const answer = (request: DiskRequest): DiskReply => {
    const { id } = request;
    switch (request.kind) {
      case 'files':
        return { id, files: request.tasks.map(hashFile) };
      case 'place':
        for (const { number, bytes } of request.blocks) blocks.set(number, bytes);
        return { id, placed: request.small.map((small) => place(small, request.suffix)) };
      case 'update':
        return { id, ...hashPart(request) };
      case 'digest': {
        const hex = streamOf(request.stream, request.algorithm).digest('hex');
        streams.delete(request.stream);
        return { id, hex };
      }
      case 'forget':
        streams.delete(request.stream);
        return { id };
    }
  };

  parentPort?.on('message', (request: DiskRequest) => parentPort.postMessage(answer(request), []));
}
