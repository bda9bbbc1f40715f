import { ByteBuffer } from './byte-buffer.ts';

/** Maximum length of a line; a longer one is skipped without being held in memory. */
export const LONGEST_LINE_BYTES = 1024 * 1024;

const NEWLINE = 10;

/** One line without its line end (LF or CR LF). */
export interface Line {
  /** Counts from 1. */
  readonly number: number;
  /** Undefined for a line that is too long. Invalid UTF-8 is U+FFFD. */
  readonly text: string | undefined;
  /** Why the line cannot be read as text; undefined for a valid line. */
  readonly fault: string | undefined;
  /** False for a last line without a line end: the file may be cut there. */
  readonly hasEnd: boolean;
}

/** Splits bytes of UTF-8 into lines as they arrive, in bounded memory. A byte order mark before the first line is
 *  omitted. The last line needs no line end. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<Line, void, undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let number = 1;
  const line = new ByteBuffer();
  let sizeBytes = 0;
  const take = (part: Uint8Array): void => {
    sizeBytes += part.length;
    if (sizeBytes <= longestBytes) line.add(part);
  };
  const textOf = (bytes: Uint8Array): Pick<Line, 'text' | 'fault'> => {
    if (sizeBytes > longestBytes) return { text: undefined, fault: `longer than ${longestBytes} bytes` };
    const text = decoder.decode(bytes).replace(/\r$/, '');
    const fault = bytes.includes(0) ? 'a NUL byte' : isUtf8(bytes) ? undefined : 'invalid UTF-8';
    return { text: number === 1 ? text.replace(/^\ufeff/, '') : text, fault };
  };
  const finish = (hasEnd: boolean): Line => {
    const found = textOf(line.take());
    sizeBytes = 0;
    return { number: number++, ...found, hasEnd };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      yield finish(true);
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (sizeBytes > 0) yield finish(false);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
