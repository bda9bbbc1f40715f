const LINE_END = 0x0a;

/** Adds a prefix to each line of a stream of bytes, whose encoding does not matter. */
export class LinePrefix {
  readonly #prefix: Buffer;
  #open: Uint8Array[] = [];

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix);
  }

  /** Returns the lines that a chunk completes. */
  push(chunk: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      pieces.push(this.#prefix, ...this.#open, chunk.subarray(start, end + 1));
      this.#open = [];
      start = end + 1;
    }
    if (start < chunk.length) this.#open.push(chunk.subarray(start));
    return Buffer.concat(pieces);
  }

  /** Returns the last line, with a line break, if it has none. */
  end(): Uint8Array {
    const last = this.#open;
    this.#open = [];
    return last.length === 0 ? new Uint8Array() : Buffer.concat([this.#prefix, ...last, Buffer.of(LINE_END)]);
  }
}
