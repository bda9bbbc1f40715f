/** Adds a prefix to each line of a stream of UTF-8. */
export class LinePrefix {
  readonly #prefix: string;
  #open = '';
  readonly #decoder = new TextDecoder();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Returns the lines that a chunk completes. */
  push(chunk: Uint8Array): string {
    const lines = (this.#open + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#open = lines.pop() ?? '';
    return lines.map((line) => `${this.#prefix}${line}\n`).join('');
  }

  /** Returns the last line, if it has no line break; an incomplete character at its end is U+FFFD. */
  end(): string {
    const last = this.#open + this.#decoder.decode();
    return last === '' ? '' : `${this.#prefix}${last}\n`;
  }
}
