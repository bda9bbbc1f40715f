/** Longest line that is read; a longer one is skipped without buffering it. */
export const LONGEST_LINE_BYTES = 1024 * 1024;

const NEWLINE = 10;

/** One line. `text` is undefined if the line is too long; numbers start at 1. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
}

/** Splits bytes into lines as they arrive, with bounded memory. The last line does not need a newline. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<Line, void, undefined> {
  const decoder = new TextDecoder();
  let number = 1;
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const take = (part: Uint8Array): void => {
    sizeBytes += part.length;
    if (sizeBytes > longestBytes) parts = [];
    else parts.push(part.slice());
  };
  const finish = (): Line => {
    const text =
      sizeBytes > longestBytes
        ? undefined
        : parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
    parts = [];
    sizeBytes = 0;
    return { number: number++, text };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (sizeBytes > 0) yield finish();
}
