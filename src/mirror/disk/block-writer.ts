import type { FileHandle } from 'node:fs/promises';
import type { HashPool, HashStream } from './hash-pool.ts';

const BLOCK_BYTES = 1 << 20;

/** One block being filled, one being written and hashed, one waiting. */
const BLOCKS = 3;

/** Writes a file from its start in blocks of shared memory that a thread hashes at the same time. Writes follow one another,
 *  so that what is on disk after a break has no holes. One user at a time; methods throw errors of the system. */
export class BlockWriter {
  readonly #handle: FileHandle;
  readonly #pool: HashPool;
  readonly #algorithm: 'sha512' | 'md5';
  readonly #free: Uint8Array[] = [];
  #blocks = 0;
  #stream: HashStream | undefined;
  #block: Uint8Array;
  #filledBytes = 0;
  #writtenBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #hashing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, pool: HashPool, algorithm: 'sha512' | 'md5') {
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
      const wantedBytes = Math.min(BLOCK_BYTES, maxBytes - this.#writtenBytes);
      const { bytesRead } = await this.#handle.read(this.#block, 0, wantedBytes, this.#writtenBytes);
      if (bytesRead === 0) return;
      await this.#hash(this.#block.subarray(0, bytesRead));
      this.#writtenBytes += bytesRead;
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
    for (let at = 0; at < chunk.length; ) {
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
    const writing = this.#writeAll(bytes, position);
    const hashing = this.#hash(bytes);
    this.#writing = writing;
    this.#hashing = hashing;
    // The next to await them tells of their failure.
    const done = Promise.all([writing, hashing]).then(() => this.#free.push(block));
    done.catch(() => undefined);
    this.#writtenBytes += this.#filledBytes;
    this.#filledBytes = 0;
    if (this.#free.length === 0 && this.#blocks === BLOCKS) await done;
    this.#block = this.#free.pop() ?? this.#newBlock();
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  async #hash(bytes: Uint8Array): Promise<void> {
    this.#stream ??= this.#pool.stream(this.#algorithm);
    await this.#stream.update(bytes);
  }

  #newBlock(): Uint8Array {
    this.#blocks++;
    return new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES));
  }
}
