import { MD5_DIGITS } from './lexicon.ts';
import type { Archive } from './records.ts';

/** Number of an archive in a table, from 1. */
export type ArchiveNumber = number;
export const NO_ARCHIVE: ArchiveNumber = 0;

/** Number of a short text in a table, from 1. */
export type TextNumber = number;
/** The empty text. */
export const NO_TEXT: TextNumber = 0;

const NOT_STORED = -1;

const FIRST_ARCHIVES = 1 << 6;
const FIRST_SHORT_TEXTS = 1 << 6;

/** Fields of an archive: index of its chunk, start and end of the path, size in bytes, start and end of the digest. */
const ARCHIVE_FIELDS = 6;

/** Fields of a short text: index of its chunk, start and end. */
const TEXT_FIELDS = 3;

/** Archives and short texts of an index as offsets in its chunks. Strings are created on access. */
export class TextTable {
  /** Chunks that contain archives and short texts, and short texts outside chunks. */
  readonly #texts: string[] = [];
  #textCount = 0;
  #text = '';
  /** Index of the current chunk in `#texts`, or NOT_STORED. */
  #textAt = NOT_STORED;
  #shortTexts = new Int32Array(FIRST_SHORT_TEXTS * TEXT_FIELDS);
  #shortTextCount = 0;
  #archives = new Int32Array(FIRST_ARCHIVES * ARCHIVE_FIELDS);
  #archiveCount = 0;
  /** Archives of lines without the usual form. */
  readonly #otherArchives = new Map<ArchiveNumber, Archive>();

  /** Removes all archives and texts. The arrays keep their length for reuse. */
  clear(): void {
    this.#textCount = 0;
    this.#textAt = NOT_STORED;
    this.#archiveCount = 0;
    this.#shortTextCount = 0;
    if (this.#otherArchives.size > 0) this.#otherArchives.clear();
  }

  /** Sets the current chunk: offsets of archives and short texts refer to it. */
  open(text: string): void {
    this.#text = text;
    this.#textAt = NOT_STORED;
  }

  /** Adds an archive by the offsets of its path and hexadecimal digest in the current chunk. */
  addArchive(pathAt: number, pathEnd: number, sizeBytes: number, digestAt: number, digestEnd: number): ArchiveNumber {
    const textAt = this.#storedText();
    const at = this.#newArchive();
    const archives = this.#archives;
    archives[at] = textAt;
    archives[at + 1] = pathAt;
    archives[at + 2] = pathEnd;
    archives[at + 3] = sizeBytes;
    archives[at + 4] = digestAt;
    archives[at + 5] = digestEnd;
    return this.#archiveCount;
  }

  /** Returns the index of the current chunk in `#texts`; stores it on first use. */
  #storedText(): number {
    if (this.#textAt === NOT_STORED) this.#textAt = this.#keepText(this.#text);
    return this.#textAt;
  }

  #keepText(text: string): number {
    put(this.#texts, this.#textCount, text);
    return this.#textCount++;
  }

  /** Adds a short text by its offsets in the current chunk. */
  addText(start: number, end: number): TextNumber {
    return this.#addText(this.#storedText(), start, end);
  }

  /** Adds a short text that is not in the current chunk. */
  addOtherText(text: string): TextNumber {
    return text === '' ? NO_TEXT : this.#addText(this.#keepText(text), 0, text.length);
  }

  #addText(textAt: number, start: number, end: number): TextNumber {
    const at = this.#shortTextCount++ * TEXT_FIELDS;
    if (at === this.#shortTexts.length) this.#shortTexts = twice(this.#shortTexts);
    const texts = this.#shortTexts;
    texts[at] = textAt;
    texts[at + 1] = start;
    texts[at + 2] = end;
    return this.#shortTextCount;
  }

  /** Returns a short text as a new string. */
  text(number: TextNumber): string {
    if (number === NO_TEXT) return '';
    const texts = this.#shortTexts;
    const at = (number - 1) * TEXT_FIELDS;
    return (this.#texts[texts[at]!] ?? '').slice(texts[at + 1], texts[at + 2]);
  }

  /** Adds an archive as an object. */
  addOtherArchive(archive: Archive): ArchiveNumber {
    this.#newArchive();
    this.#otherArchives.set(this.#archiveCount, archive);
    return this.#archiveCount;
  }

  /** Reserves one archive; returns the index of its first field. */
  #newArchive(): number {
    const at = this.#archiveCount++ * ARCHIVE_FIELDS;
    if (at === this.#archives.length) this.#archives = twice(this.#archives);
    return at;
  }

  archive(number: ArchiveNumber): Archive {
    const other = this.#otherArchives.size === 0 ? undefined : this.#otherArchives.get(number);
    if (other !== undefined) return other;
    const archives = this.#archives;
    const at = (number - 1) * ARCHIVE_FIELDS;
    const text = this.#texts[archives[at]!] ?? '';
    const path = text.slice(archives[at + 1], archives[at + 2]);
    const sizeBytes = archives[at + 3]!;
    const digest = text.slice(archives[at + 4], archives[at + 5]);
    return digest.length === MD5_DIGITS ? { path, sizeBytes, md5: digest } : { path, sizeBytes, sha512: digest };
  }
}

/** Sets an element of an array, or appends it: assigning past the end is slow. */
export function put<T>(array: T[], at: number, value: T): void {
  if (at === array.length) array.push(value);
  else array[at] = value;
}

/** Returns a copy of twice the length. */
export function twice(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
