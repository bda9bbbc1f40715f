import type { FileHandle } from 'node:fs/promises';
import type { DiskPool, HashStream } from './disk-pool.ts';

const BLOCK_BYTES = 1 << 20;

/** What is hashed of an earlier attempt before anyone may call the work off. */
const TAKE_OVER_BYTES = 16 << 20;

/** One block being filled, one being written. */
const BLOCKS = 2;

/** Writes a file from its start in blocks, behind which a thread hashes. Writes follow one another, so that what is on disk after
 *  a break has no holes. One user at a time; methods throw errors of the system. */
export class BlockWriter {
  readonly #handle: FileHandle;
  readonly #pool: DiskPool;
  readonly #algorithm: 'sha512' | 'md5';
  readonly #free: Uint8Array[] = [];
  #blocks = 0;
  #stream: HashStream | undefined;
  #block: Uint8Array;
  #filledBytes = 0;
  #writtenBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #hashing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, pool: DiskPool, algorithm: 'sha512' | 'md5') {
    this.#handle = handle;
    this.#pool = pool;
    this.#algorithm = algorithm;
    this.#block = this.#newBlock();
  }

  /** Bytes so far, with those not yet on disk. */
  get sizeBytes(): number {
    return this.#writtenBytes + this.#filledBytes;
  }

  /** Hashes what the file holds already, up to `maxBytes`, and goes on behind it. */
  async takeOver(maxBytes: number): Promise<void> {
    while (this.#writtenBytes < maxBytes) {
      const bytes = await this.#hash(this.#writtenBytes, Math.min(TAKE_OVER_BYTES, maxBytes - this.#writtenBytes));
      if (bytes === 0) return;
      this.#writtenBytes += bytes;
    }
  }

  /** Forgets everything, also what is in the file. */
  async restart(): Promise<void> {
    this.abandon();
    this.#writtenBytes = 0;
    this.#filledBytes = 0;
    await this.#handle.truncate(0);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const bytes = Math.min(BLOCK_BYTES - this.#filledBytes, chunk.length - at);
      this.#block.set(bytes === chunk.length ? chunk : chunk.subarray(at, at + bytes), this.#filledBytes);
      this.#filledBytes += bytes;
      at += bytes;
      if (this.#filledBytes === BLOCK_BYTES) await this.#flush();
    }
  }

  /** Waits until every byte is in the file, and hashed. */
  async drain(): Promise<void> {
    if (this.#filledBytes > 0) await this.#flush();
    await this.#writing;
    await this.#hashing;
  }

  /** The digest of everything, in lower-case hexadecimal; after `drain`. */
  async digest(): Promise<string> {
    this.#stream ??= this.#pool.stream(this.#algorithm);
    const stream = this.#stream;
    this.#stream = undefined;
    return stream.digest();
  }

  /** Gives the hash up, if there is one; the file stays as it is. */
  abandon(): void {
    this.#stream?.forget();
    this.#stream = undefined;
  }

  async #flush(): Promise<void> {
    const block = this.#block;
    const bytes = block.subarray(0, this.#filledBytes);
    const position = this.#writtenBytes;
    await this.#writing;
    const behind = this.#hashing;
    const writing = this.#writeAll(bytes, position).then(() => void this.#free.push(block));
    const hashing = this.#hashAfter([writing, behind], position, bytes.length);
    this.#writing = writing;
    this.#hashing = hashing;
    // The next to await them tells of their failure.
    writing.catch(() => undefined);
    hashing.catch(() => undefined);
    this.#writtenBytes += this.#filledBytes;
    this.#filledBytes = 0;
    // No further behind than a block, or what is read back would have to come from the disk.
    await behind;
    if (this.#free.length === 0 && this.#blocks === BLOCKS) await writing;
    this.#block = this.#free.pop() ?? this.#newBlock();
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  async #hashAfter(earlier: readonly Promise<void>[], at: number, bytes: number): Promise<void> {
    await Promise.all(earlier);
    const hashed = await this.#hash(at, bytes);
    if (hashed < bytes) throw new Error(`of ${bytes} bytes just written, ${hashed} are there`);
  }

  async #hash(at: number, bytes: number): Promise<number> {
    this.#stream ??= this.#pool.stream(this.#algorithm);
    return this.#stream.update(this.#handle.fd, at, bytes);
  }

  #newBlock(): Uint8Array {
    this.#blocks++;
    return new Uint8Array(BLOCK_BYTES);
  }
}
