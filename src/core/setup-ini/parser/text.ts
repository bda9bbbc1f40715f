/** Maps each byte to the character of the same number. Uses the global Buffer because nothing else on Node 20 does
 *  this at memory speed (TextDecoder's `latin1` is windows-1252). */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The reverse of `latin1`. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes quoted text that `latin1` made: UTF-8 where the bytes are valid UTF-8, else the same text again. */
export function decodeQuoted(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return UTF8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

const PIECES_PER_BLOCK = 1024;

/** A text that arrives in pieces; joined in two steps, so that a million tiny pieces stay cheap. */
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

  /** The whole text with its last piece; starts afresh. */
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
