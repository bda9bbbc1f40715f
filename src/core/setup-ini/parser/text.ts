/** Maps each byte to the character of the same number. Uses Buffer for speed; TextDecoder's `latin1` is windows-1252.
 */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Inverse of `latin1`. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes quoted text from `latin1`: as UTF-8 when the bytes are valid UTF-8, else unchanged. */
export function decodeQuoted(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return UTF8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

const PIECES_PER_BLOCK = 1024;

/** Collects a text that arrives in pieces. Joins in two steps, so that a million small pieces take linear time. */
export class Pieces {
  length = 0;
  #pieces: string[] = [];
  #blocks: string[] = [];

  add(piece: string): void {
    this.length += piece.length;
    this.#pieces.push(piece);
    if (this.#pieces.length < PIECES_PER_BLOCK) return;
    this.#blocks.push(this.#pieces.join(''));
    this.#pieces = [];
  }

  /** Returns the whole text with its last piece, and clears it. */
  take(last: string): string {
    if (this.length === 0) return last;
    this.#pieces.push(last);
    this.#blocks.push(this.#pieces.join(''));
    const whole = this.#blocks.join('');
    this.#pieces = [];
    this.#blocks = [];
    this.length = 0;
    return whole;
  }
}
