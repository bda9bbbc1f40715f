import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join, resolve } from 'node:path';
import { refusePath } from './base/address.ts';
import { FetchError } from './base/fetch-error.ts';
import type { Download, OpenOptions, Site } from './base/site.ts';

const READ_BYTES = 1024 * 1024;

/** A directory that serves as a mirror. A file is opened when its chunks are read, so an unread download leaves
 *  nothing open. */
export class DirectorySite implements Site {
  /** The absolute path. */
  readonly name: string;

  constructor(path: string) {
    this.name = resolve(path);
  }

  async open(path: string, options: OpenOptions = {}): Promise<Download> {
    const { fromByte = 0, validator: had, unlessIs, signal } = options;
    signal?.throwIfAborted();
    refusePath(this.name, path);
    const file = join(this.name, path);
    const facts = await stat(file, { bigint: true }).catch(async (error: unknown) => {
      throw await this.#failure(file, error);
    });
    signal?.throwIfAborted();
    if (!facts.isFile()) throw new FetchError('missing', file, 'not a file');
    const totalBytes = Number(facts.size);
    const validator = validatorOf(facts);
    if (unlessIs === validator)
      return { kind: 'unchanged', startByte: 0, totalBytes: undefined, validator, chunks: nothing() };
    const isRest = fromByte > 0 && fromByte <= totalBytes && (had === undefined || had === validator);
    const startByte = isRest ? fromByte : 0;
    return {
      kind: isRest ? 'rest' : 'whole',
      startByte,
      totalBytes,
      validator,
      chunks: this.#chunks(file, startByte, validator, signal),
    };
  }

  async close(): Promise<void> {}

  async *#chunks(
    file: string,
    startByte: number,
    validator: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    // Opening a pipe that replaced the file would block.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(async (error: unknown) => {
      throw await this.#failure(file, error);
    });
    try {
      const facts = await handle.stat({ bigint: true });
      // Compared by path both times: some releases of Node.js on Windows report another device for an open file.
      if (validatorOf(await stat(file, { bigint: true })) !== validator)
        throw new FetchError('range', file, 'the file has changed since the download began');
      const endByte = Number(facts.size);
      for (let at = startByte; at < endByte;) {
        signal?.throwIfAborted();
        const wantedBytes = Math.min(READ_BYTES, endByte - at);
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wantedBytes), 0, wantedBytes, at);
        signal?.throwIfAborted();
        if (bytesRead === 0) throw new FetchError('short', file, `${at} of ${endByte} bytes`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw signal?.aborted === true || error instanceof FetchError ? error : await this.#failure(file, error);
    } finally {
      await handle.close();
    }
  }

  /** A missing file concerns that file only; a missing directory concerns the site. */
  async #failure(file: string, cause: unknown): Promise<FetchError> {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'EACCES' || code === 'EPERM') return new FetchError('refused', file, 'permission denied', { cause });
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      return new FetchError('reset', file, `cannot read it (${code})`, { cause });
    const isThere = await stat(this.name).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (!isThere)
      return new FetchError('connect', file, `no such directory: \`${this.name}\``, {
        hint: 'name a directory that exists; the address of a mirror begins with `https://`',
        cause,
        isFinal: true,
      });
    return new FetchError('missing', file, 'no such file', { cause });
  }
}

/** Returns a strong entity tag. It distinguishes more than the modification time, which a copy can keep. */
function validatorOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `"${[dev, ino, size, mtimeNs].map((part) => part.toString(36)).join('-')}"`;
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
