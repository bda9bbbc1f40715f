import { withoutControls } from '../printable.ts';

/** Longer lines are split into pieces of this length. */
const LONGEST_LINE_BYTES = 4096;

/** Splits the bytes of a serial port into lines without control characters and escape sequences, in pieces of
 *  bounded length. A line ends with `\n`, `\r\n` or `\r`; empty lines are omitted. */
export class LineSplitter {
  readonly #open = Buffer.alloc(LONGEST_LINE_BYTES);
  #openBytes = 0;

  /** Returns the lines that a chunk completes. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    for (const byte of chunk) {
      const isEnd = byte === 10 || byte === 13;
      if (!isEnd) this.#open[this.#openBytes++] = byte;
      if (isEnd || this.#openBytes === LONGEST_LINE_BYTES) lines.push(...this.end());
    }
    return lines;
  }

  /** Returns the text after the last line end; empty without one. */
  open(): string {
    return withoutControls(this.#open.toString('utf8', 0, this.#openBytes));
  }

  /** Returns the incomplete last line, if any. */
  end(): string[] {
    const line = this.open();
    this.#openBytes = 0;
    return line.trim() === '' ? [] : [line];
  }
}
