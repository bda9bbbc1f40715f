import { withoutControls } from '../printable.ts';

/** Longer lines are split into pieces of this length. */
const LONGEST_LINE_BYTES = 4096;

/** Sequences after which a terminal writes elsewhere: a move to a place of the screen, a cleared screen, a reset.
 *  Firmware writes them instead of line ends, for minutes. */
// oxlint-disable-next-line no-control-regex -- control characters are the subject
const MOVE = /\u001b(?:\[\d*(?:;\d*)?[Hf]|\[[0-3]?J|c)/;

const ESCAPE = 0x1b;

/** Splits the bytes of a serial port into lines without control characters and escape sequences, in pieces of
 *  bounded length. A line ends with `\n`, `\r\n` or `\r`, and where a sequence moves the cursor; empty lines are
 *  omitted. */
export class LineSplitter {
  readonly #open = Buffer.alloc(LONGEST_LINE_BYTES);
  #openBytes = 0;

  /** Returns the lines that a chunk completes. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    for (const byte of chunk) {
      if (byte === 10 || byte === 13) lines.push(...this.end());
      else {
        this.#open[this.#openBytes++] = byte;
        if (this.#openBytes === LONGEST_LINE_BYTES) lines.push(...this.#cut());
      }
    }
    return lines;
  }

  /** Returns the text after the last line end; empty without one. */
  open(): string {
    return this.#pieces(this.#openBytes).at(-1) ?? '';
  }

  /** Returns the incomplete last line, if any. */
  end(): string[] {
    const lines = this.#pieces(this.#openBytes).filter((line) => line.trim() !== '');
    this.#openBytes = 0;
    return lines;
  }

  /** Returns the full buffer as lines, up to the last escape sequence: it and the text after it can be incomplete. */
  #cut(): string[] {
    const escape = this.#open.lastIndexOf(ESCAPE);
    const cutBytes = escape > 0 ? escape : LONGEST_LINE_BYTES;
    const lines = this.#pieces(cutBytes).filter((line) => line.trim() !== '');
    this.#open.copyWithin(0, cutBytes);
    this.#openBytes = LONGEST_LINE_BYTES - cutBytes;
    return lines;
  }

  #pieces(bytes: number): string[] {
    return this.#open.toString('utf8', 0, bytes).split(MOVE).map(withoutControls);
  }
}
