import { damaged } from './image-file.ts';
import type { MediaError } from '../base/media-error.ts';

/** The error for compressed data that no compressor writes. */
export function malformed(why: string): MediaError {
  return damaged(`compressed data of a WIM is malformed: ${why}`);
}

/** Reads bits from words of 16 bits, low byte first, each from its highest bit on, as LZX and XPRESS have them
 *  ([MS-PATCH] "Bitstream", [MS-XCA] 2.2). All methods throw `damaged` for bits after the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** The next byte that is not in the buffer. */
  #at = 0;
  /** Its lowest `#count` bits are the next ones. */
  #buffer = 0;
  #count = 0;
  /** How many of the bits in the buffer are zeros after the end. */
  #missing = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads words until at least 16 bits are in the buffer. */
  fill(): void {
    if (this.#count >= 16) return;
    const [low, high] = [this.#bytes[this.#at], this.#bytes[this.#at + 1]];
    if (low === undefined || high === undefined) {
      this.#buffer <<= 16;
      this.#missing += 16;
    } else {
      this.#buffer = (this.#buffer << 16) | (high << 8) | low;
      this.#at += 2;
    }
    this.#count += 16;
  }

  /** Returns the next 16 bits without consuming them; zeros after the end. */
  peek(): number {
    this.fill();
    return (this.#buffer >>> (this.#count - 16)) & 0xffff;
  }

  /** Consumes at most 16 bits, which were peeked. */
  skip(bits: number): void {
    this.#count -= bits;
    if (this.#count < this.#missing) throw malformed('it ends too early');
  }

  /** Reads a number of at most 16 bits. */
  take(bits: number): number {
    const value = this.peek() >>> (16 - bits);
    this.skip(bits);
    return value;
  }

  /** Reads the next byte after the words in the buffer. */
  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw malformed('it ends too early');
    return value;
  }

  /** Discards the rest of the current word, or a whole word at its beginning: padding has 1 to 16 bits. Continues with
   *  bytes. */
  alignWithPadding(): void {
    const readBits = this.#at * 8 - (this.#count - this.#missing);
    this.#at = (Math.floor(readBits / 16) + 1) * 2;
    [this.#buffer, this.#count, this.#missing] = [0, 0, 0];
  }

  /** Reads bytes. Only when no bits are in the buffer. */
  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    if (bytes.length < count) throw malformed('it ends too early');
    this.#at += count;
    return bytes;
  }
}
