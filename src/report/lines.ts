import { printableLine } from '../printable.ts';

/** Number of lines after which long texts end, unless all of it is requested. */
export const MAX_LINES = 10_000;

/** How much of a long text is rendered. */
export interface TextLimit {
  /** Lines of a tree or an explanation; the number of further ones is printed. Default: all. */
  readonly maxLines?: number | undefined;
}

/** Lines of a text up to a maximum, and the number of those after it. */
export class Lines {
  readonly #lines: string[] = [];
  readonly #maxLines: number;
  #count = 0;

  constructor({ maxLines = Infinity }: TextLimit = {}) {
    this.#maxLines = maxLines;
  }

  /** Number of lines, including those that are left out. */
  get count(): number {
    return this.#count;
  }

  /** Adds a line, which is made only if it is not left out; a line break in it is shown escaped. */
  add(line: () => string): void {
    this.#count++;
    if (this.#count <= this.#maxLines) this.#lines.push(printableLine(line()));
  }

  /** Returns the lines; if some are left out, their number in place of them. */
  toArray(): readonly string[] {
    const rest = this.#count - this.#lines.length;
    return rest === 0 ? this.#lines : [...this.#lines, moreLines(rest)];
  }
}

/** Formats the number of lines that are left out. */
export function moreLines(count: number): string {
  return `... ${count} more ${count === 1 ? 'line' : 'lines'}; --full prints all`;
}
