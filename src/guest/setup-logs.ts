/** The logs that the installer of a guest leaves on its disk. They are read when an installation fails. */
export interface SetupLogs {
  /** Paths on the largest NTFS partition of the disk, with `/`, the most useful first. Missing ones are ignored. */
  readonly paths: readonly string[];
  /** Finds known failures in logs, the most likely first. Pure. */
  readonly diagnose: (logs: readonly LogText[]) => readonly Diagnosis[];
}

/** Text of a log, and its name for a message. */
export interface LogText {
  readonly name: string;
  readonly text: string;
}

/** A known failure of an installer, and the line of a log that shows it. */
export interface Diagnosis {
  readonly cause: string;
  /** What to do, in the imperative. */
  readonly advice: string;
  /** Name of the log. */
  readonly log: string;
  /** The line, at most 300 characters of it. */
  readonly line: string;
}

/** Decodes a log: UTF-16LE, with or without a byte order mark, or UTF-8. Bytes that are neither become U+FFFD. Pure.
 *  @param bytes the log or its end; in UTF-16LE starting at an even offset */
export function decodeLog(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 512);
  // Text of logs is ASCII for the most part: every second byte of UTF-16LE is zero.
  const zeros = head.filter((byte, i) => i % 2 === 1 && byte === 0).length;
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (head.length > 1 && zeros > head.length / 4);
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(bytes);
}
