import { CygstrapError } from '../../../errors.ts';
import type { DiagnosticLog } from '../diagnostics.ts';
import type { Limits } from '../limits.ts';
import { CLASSES, KEYWORDS, commonClasses, isDigest, type Key } from '../lexicon.ts';
import { Pieces, bytesOf, decodeQuoted } from './text.ts';

/** `stray`: one byte that begins no token. */
export type TokenKind = 'word' | 'key' | 'digest' | 'label' | 'operator' | 'mark' | 'newline' | 'end' | 'stray';

export interface Token {
  readonly kind: TokenKind;
  /** The text as written; without the quotes of a quoted text and without the brackets of a label. */
  readonly text: string;
  /** Present for kind `key` only. */
  readonly key?: Key;
  readonly line: number;
  readonly column: number;
  /** In bytes from the start of the index. */
  readonly offset: number;
}

/** Receiver of tokens. */
export interface TokenSink {
  /** True between two statements: the reader then returns at the next line start. */
  readonly idle: boolean;
  accept(token: Token): void;
}

type Mode = 'fresh' | 'word' | 'quote' | 'label' | 'angle' | 'comment' | 'drop';

const NEWLINE = 10;
const QUOTE = 34;
const HASH = 35;
const CLOSE_BRACKET = 93;

/** Splits an index into tokens, chunk by chunk, and examines each byte once.
 *  One difference from setup: outside quotes and comments, setup treats a NUL byte or a byte from 0x80 as the end of
 *  the index. Here such a byte is a `stray` token. A NUL inside quotes is an error. Source: cygwin-setup inilex.ll: the
 *  longest match wins; on a tie the first rule. */
export class TokenReader {
  /** Line of the next byte, from 1. */
  line = 1;
  /** Offset of the first byte of that line, in bytes. */
  lineOffset = 0;
  /** Offset of the current chunk, in bytes. */
  base = 0;

  readonly #sink: TokenSink;
  readonly #log: DiagnosticLog;
  readonly #limits: Limits;
  readonly #file: string;
  #mode: Mode = 'fresh';
  #startLine = 1;
  #startColumn = 1;
  #startOffset = 0;
  /** The part of a token from earlier chunks. */
  readonly #pieces = new Pieces();

  constructor(sink: TokenSink, context: { log: DiagnosticLog; limits: Limits; file: string }) {
    this.#sink = sink;
    this.#log = context.log;
    this.#limits = context.limits;
    this.#file = context.file;
  }

  /** Returns whether `offset` is the first column of a line and no token is incomplete. */
  isAtLineStart(offset: number): boolean {
    return this.#mode === 'fresh' && offset === this.lineOffset;
  }

  /** Reads from `at` to the end of the chunk or of the statement; returns the end. `text` is `latin1(bytes)`. */
  read(bytes: Uint8Array, text: string, at: number): number {
    const end = bytes.length;
    let next = at;
    while (next < end) {
      switch (this.#mode) {
        case 'fresh':
          next = this.#fresh(bytes, text, next);
          if (this.#sink.idle && this.isAtLineStart(this.base + next)) return next;
          break;
        case 'word':
          next = this.#word(bytes, text, next);
          break;
        case 'quote':
          next = this.#quote(bytes, text, next);
          break;
        case 'label':
          next = this.#label(bytes, text, next);
          break;
        case 'angle':
          next = this.#angle(text, next);
          break;
        case 'comment':
        case 'drop':
          next = this.#rest(bytes, text, next);
          if (this.#sink.idle && this.isAtLineStart(this.base + next)) return next;
          break;
        default:
          this.#mode satisfies never;
      }
    }
    return next;
  }

  /** Ends the index: emits the incomplete token, then `end`. */
  finish(): void {
    this.#finishMode();
    this.#mode = 'fresh';
    this.#start(this.base);
    this.#emit('end', '');
  }

  #finishMode(): void {
    switch (this.#mode) {
      case 'word':
        this.#emitWord(this.#pieces.take(''));
        return;
      case 'angle':
        this.#emit('operator', this.#pieces.take(''));
        return;
      case 'label':
        this.#emit('stray', '[');
        return;
      case 'comment':
        this.#emit('stray', '#');
        return;
      case 'quote': {
        // No rule matches an unterminated quote: the quote is stray, and the text after it is read again as tokens.
        const rest = this.#pieces.take('');
        this.#emit('stray', '"');
        this.line = this.#startLine;
        this.lineOffset = this.#startOffset - this.#startColumn + 1;
        this.base = this.#startOffset + 1;
        this.#mode = 'fresh';
        const bytes = bytesOf(rest);
        for (let at = 0; at < bytes.length;) at = this.read(bytes, rest, at);
        this.base += bytes.length;
        this.#finishMode();
        return;
      }
      case 'fresh':
      case 'drop':
        return;
      default:
        this.#mode satisfies never;
    }
  }

  #start(offset: number): void {
    this.#startOffset = offset;
    this.#startLine = this.line;
    this.#startColumn = offset - this.lineOffset + 1;
  }

  #emit(kind: TokenKind, text: string): void {
    this.#sink.accept({ kind, text, line: this.#startLine, column: this.#startColumn, offset: this.#startOffset });
  }

  #emitWord(word: string): void {
    const key = KEYWORDS.get(word);
    if (key !== undefined) {
      const { line, column, offset } = { line: this.#startLine, column: this.#startColumn, offset: this.#startOffset };
      this.#sink.accept({ kind: 'key', text: word, key, line, column, offset });
    } else if (this.#startColumn === 1 && word.length > 1 && word.endsWith(':')) {
      this.#log.unknownKey(word, this.#startLine);
      this.#mode = 'drop';
    } else {
      this.#emit(isDigest(word.length, commonClasses(word)) ? 'digest' : 'word', word);
    }
  }

  /** Stores a part of a word until the next chunk. */
  #keep(piece: string): void {
    this.#checkLength(this.#pieces.length + piece.length);
    this.#pieces.add(piece);
  }

  #checkLength(length: number): void {
    if (length <= this.#limits.wordBytes) return;
    const message = `word or text of more than ${this.#limits.wordBytes} bytes`;
    throw new CygstrapError('limit', `${this.#file}:${this.#startLine}: ${message}`, {
      details: { file: this.#file, line: this.#startLine },
    });
  }

  #fresh(bytes: Uint8Array, text: string, at: number): number {
    const byte = bytes[at] ?? 0;
    if (byte === 32 || byte === 9 || byte === 13) return at + 1;
    this.#start(this.base + at);
    if (CLASSES[byte] !== 0) {
      this.#mode = 'word';
      return at;
    }
    switch (byte) {
      case NEWLINE:
        this.line++;
        this.lineOffset = this.base + at + 1;
        this.#emit('newline', '\n');
        return at + 1;
      case QUOTE:
        this.#mode = 'quote';
        return at + 1;
      case 91:
        this.#mode = 'label';
        return at + 1;
      case 60:
      case 62:
        this.#mode = 'angle';
        this.#keep(text.charAt(at));
        return at + 1;
      case 61:
        this.#emit('operator', '=');
        return at + 1;
      case 40:
      case 41:
      case 44:
      case 64:
        this.#emit('mark', text.charAt(at));
        return at + 1;
      default:
        if (byte === HASH && this.#startColumn === 1) this.#mode = 'comment';
        else this.#emit('stray', text.charAt(at));
        return at + 1;
    }
  }

  #wordEnd(bytes: Uint8Array, at: number): number {
    let next = at;
    while (next < bytes.length && CLASSES[bytes[next] ?? 0] !== 0) next++;
    return next;
  }

  #word(bytes: Uint8Array, text: string, at: number): number {
    const next = this.#wordEnd(bytes, at);
    if (next === bytes.length) {
      this.#keep(text.slice(at, next));
      return next;
    }
    this.#checkLength(this.#pieces.length + next - at);
    this.#mode = 'fresh';
    this.#emitWord(this.#pieces.take(text.slice(at, next)));
    return next;
  }

  /** "[" STR "]" without blanks. Otherwise the bracket is stray, which makes the line invalid. */
  #label(bytes: Uint8Array, text: string, at: number): number {
    const next = this.#wordEnd(bytes, at);
    if (next === bytes.length) {
      this.#keep(text.slice(at, next));
      return next;
    }
    this.#checkLength(this.#pieces.length + next - at);
    const label = this.#pieces.take(text.slice(at, next));
    this.#mode = 'fresh';
    if (label !== '' && bytes[next] === CLOSE_BRACKET) {
      this.#emit('label', label);
      return next + 1;
    }
    this.#emit('stray', '[');
    return next;
  }

  #angle(text: string, at: number): number {
    const first = this.#pieces.take('');
    const second = text.charAt(at);
    this.#mode = 'fresh';
    if (second === '=' || second === first) {
      this.#emit('operator', first + second);
      return at + 1;
    }
    this.#emit('operator', first);
    return at;
  }

  #quote(bytes: Uint8Array, text: string, at: number): number {
    const close = text.indexOf('"', at);
    const next = close < 0 ? bytes.length : close;
    for (let look = at; look < next; look++) {
      if (bytes[look] !== NEWLINE) continue;
      this.line++;
      this.lineOffset = this.base + look + 1;
    }
    if (close < 0) {
      this.#keep(text.slice(at, next));
      return next;
    }
    this.#checkLength(this.#pieces.length + next - at);
    const raw = this.#pieces.take(text.slice(at, next));
    this.#mode = 'fresh';
    if (raw.includes('\0')) this.#emit('stray', '\0');
    else this.#emit('word', decodeQuoted(raw));
    return next + 1;
  }

  /** Skips the rest of a comment, or of a line with an unknown key, with its line end. In the latter, setup stops at a
   *  NUL and at 0xff. */
  #rest(bytes: Uint8Array, text: string, at: number): number {
    const found = text.indexOf('\n', at);
    const next = found < 0 ? bytes.length : found;
    if (this.#mode === 'drop') {
      for (let look = at; look < next; look++) {
        if (bytes[look] !== 0 && bytes[look] !== 255) continue;
        this.#mode = 'fresh';
        return look;
      }
    }
    if (found < 0) return next;
    this.#mode = 'fresh';
    this.line++;
    this.lineOffset = this.base + found + 1;
    return found + 1;
  }
}
