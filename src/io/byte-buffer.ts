/** Bytes gathered from pieces of any size in one buffer. A list of pieces would need some hundred bytes of memory for
 *  each, so a sender of single bytes could exhaust the memory far below any bound of bytes. The buffer doubles when it
 *  is full. */
export class ByteBuffer {
  #bytes = Buffer.alloc(0);
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends a copy of a piece. */
  add(piece: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + piece.length;
    if (sizeBytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(sizeBytes, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#sizeBytes);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  /** Returns all bytes without a copy, and becomes empty. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#sizeBytes);
    this.#bytes = Buffer.alloc(0);
    this.#sizeBytes = 0;
    return bytes;
  }
}
