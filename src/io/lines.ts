import { ByteBuffer } from './byte-buffer.ts';

/** Maximum length of a line; a longer one is skipped without being held in memory. */
export const LONGEST_LINE_BYTES = 1024 * 1024;

const NEWLINE = 10;

/** One line without its line end (LF or CR LF); `text` is undefined for a line that is too long. Numbers start at 1. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
}

/** Splits bytes of UTF-8 into lines as they arrive, in bounded memory. The last line needs no line end. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<Line, void, undefined> {
  const decoder = new TextDecoder();
  let number = 1;
  const line = new ByteBuffer();
  let sizeBytes = 0;
  const take = (part: Uint8Array): void => {
    sizeBytes += part.length;
    if (sizeBytes <= longestBytes) line.add(part);
  };
  const finish = (): Line => {
    const bytes = line.take();
    const text = sizeBytes > longestBytes ? undefined : decoder.decode(bytes);
    sizeBytes = 0;
    return { number: number++, text: text?.endsWith('\r') === true ? text.slice(0, -1) : text };
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
