import { withoutControls } from '../io/printable.ts';

/** A line without end is cut into pieces of this length. */
const LONGEST_LINE_BYTES = 4096;

/** Cuts bytes of a serial port into lines. Whatever they are, they give text without control characters or colours, in pieces of bounded
 *  length. An end of line is `\n`, `\r\n` or `\r`; empty lines are left out. */
export class LineCutter {
  readonly #open = Buffer.alloc(LONGEST_LINE_BYTES);
  #openBytes = 0;

  /** The lines that a chunk completes. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    for (const byte of chunk) {
      const isEnd = byte === 10 || byte === 13;
      if (!isEnd) this.#open[this.#openBytes++] = byte;
      if (isEnd || this.#openBytes === LONGEST_LINE_BYTES) lines.push(...this.end());
    }
    return lines;
  }

  /** The line that was begun, if any. */
  end(): string[] {
    const line = withoutControls(this.#open.toString('utf8', 0, this.#openBytes));
    this.#openBytes = 0;
    return line.trim() === '' ? [] : [line];
  }
}
