import type { Limits } from '../limits.ts';
import type { VersionTable } from '../version-table.ts';
import { distinctCategories, type RecordBuilder } from './builder.ts';
import type { Grammar } from './grammar.ts';
import { CLASSES, HEX, KEYWORDS, MD5_DIGITS, OPERATORS, SHA512_BASE64_DIGITS, SHA512_DIGITS } from '../lexicon.ts';
import { commonClasses, isDigest } from '../lexicon.ts';
import type { ItemKey, Key } from '../lexicon.ts';
import { LazyList, type DependencyList, type DependencyPool } from '../pool.ts';
import { decodeQuoted } from './text.ts';
import type { TokenReader } from './tokens.ts';

const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const OPEN_PARENTHESIS = 40;
const CLOSE_PARENTHESIS = 41;
const COMMA = 44;
const ZERO = 48;
const COLON = 58;
const AT_SIGN = 64;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

const LONGEST_KEYWORD = Math.max(...[...KEYWORDS.keys()].map((keyword) => keyword.length));
/** Longer sizes go to the token path, which wraps them as setup does. */
const MOST_SIZE_DIGITS = 9;

/** Result of a method that did not find the usual form. */
const UNUSUAL = -1;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Reads lines of the exact form that the official generator writes. Any other line, valid or not, stays unread for the
 *  token path, so both paths give the same records. Reads whole lines only, so a line end stops every loop over a word.
 */
export class LineReader {
  readonly #grammar: Grammar;
  readonly #tokens: TokenReader;
  readonly #builder: RecordBuilder;
  readonly #table: VersionTable;
  readonly #pool: DependencyPool;
  readonly #wordBytes: number;
  #bytes = NO_BYTES;
  #text = '';
  /** One past the last line end of the chunk. */
  #end = 0;
  /** Valid lists by their text, one map for each separator. */
  readonly #commaLists = new Map<string, DependencyList>();
  readonly #blankLists = new Map<string, DependencyList>();
  readonly #categories = new Map<string, readonly string[]>();

  constructor(
    grammar: Grammar,
    tokens: TokenReader,
    context: { builder: RecordBuilder; table: VersionTable; pool: DependencyPool; limits: Limits },
  ) {
    this.#grammar = grammar;
    this.#tokens = tokens;
    this.#builder = context.builder;
    this.#table = context.table;
    this.#pool = context.pool;
    this.#wordBytes = context.limits.wordBytes;
  }

  /** Sets the chunk to read; `text` is `latin1(bytes)`. */
  open(bytes: Uint8Array, text: string): void {
    this.#bytes = bytes;
    this.#text = text;
    this.#table.texts.open(text);
    this.#end = bytes.lastIndexOf(NEWLINE) + 1;
  }

  /** Releases the chunk. */
  close(): void {
    this.open(NO_BYTES, '');
  }

  /** Empties the caches of lists. */
  clearCaches(): void {
    this.#commaLists.clear();
    this.#blankLists.clear();
    this.#categories.clear();
  }

  /** Reads lines from `at`, the start of a line; returns the start of the first line that is not of the usual form. */
  read(at: number): number {
    let next = at;
    while (next < this.#end) {
      const after = this.#line(next);
      if (after === UNUSUAL) break;
      this.#tokens.line++;
      next = after;
    }
    this.#tokens.lineOffset = this.#tokens.base + next;
    return next;
  }

  /** Reads the line at `at`; returns the start of the next line, or UNUSUAL. */
  #line(at: number): number {
    const bytes = this.#bytes;
    const first = bytes[at]!;
    if (first === NEWLINE) {
      this.#grammar.checkRecord(this.#tokens.base + at);
      this.#grammar.blankLine();
      return at + 1;
    }
    if (first === AT_SIGN) return this.#package(at);
    if (this.#grammar.region !== 'block') return UNUSUAL;
    if (first === OPEN_BRACKET) return this.#label(at + 1);
    const most = Math.min(at + LONGEST_KEYWORD, this.#end - 1);
    let colon = at;
    while (bytes[colon] !== COLON && colon < most) colon++;
    if (bytes[colon + 1] !== SPACE) return UNUSUAL;
    const key = KEYWORDS.get(this.#text.slice(at, colon + 1));
    return key === undefined ? UNUSUAL : this.#item(key, colon + 2);
  }

  #package(at: number): number {
    if (this.#bytes[at + 1] !== SPACE) return UNUSUAL;
    const end = this.#lastWord(at + 2);
    if (end === UNUSUAL) return UNUSUAL;
    const offset = this.#tokens.base + at;
    this.#grammar.checkRecord(offset);
    this.#grammar.startPackage(this.#text.slice(at + 2, end), this.#tokens.line, offset);
    return end + 1;
  }

  #label(at: number): number {
    const bytes = this.#bytes;
    let end = at;
    while (CLASSES[bytes[end]!] !== 0) end++;
    if (end === at || end - at > this.#wordBytes || bytes[end] !== CLOSE_BRACKET || bytes[end + 1] !== NEWLINE)
      return UNUSUAL;
    this.#builder.label(this.#table.texts.addText(at, end));
    return end + 2;
  }

  /** Reads the value of a key from `at` to the line end. The token path reads the rare keys. */
  #item(key: Key, at: number): number {
    switch (key) {
      case 'version': {
        const end = this.#lastWord(at);
        if (end === UNUSUAL) return UNUSUAL;
        this.#builder.version(this.#table.texts.addText(at, end), this.#tokens.line);
        return end + 1;
      }
      case 'install':
      case 'source':
        return this.#archive(key, at);
      case 'sdesc':
      case 'ldesc':
        return this.#description(key, at);
      case 'category':
        return this.#categoryList(at);
      case 'requires':
        return this.#list('depends', at, ' ');
      case 'depends':
      case 'build-depends':
      case 'obsoletes':
      case 'provides':
      case 'conflicts':
        return this.#list(key, at, ', ');
      // Rare keys.
      case 'release':
      case 'arch':
      case 'setup-timestamp':
      case 'setup-version':
      case 'setup-minimum-version':
      case 'package':
      case 'source-name':
      case 'replace-versions':
      case 'message':
        return UNUSUAL;
      default:
        return key satisfies never;
    }
  }

  /** PATH SIZE DIGEST, with the digest in hexadecimal. */
  #archive(key: 'install' | 'source', at: number): number {
    const bytes = this.#bytes;
    const pathEnd = this.#word(at);
    if (pathEnd === UNUSUAL || bytes[pathEnd] !== SPACE) return UNUSUAL;
    let next = pathEnd + 1;
    let sizeBytes = 0;
    for (; next <= pathEnd + MOST_SIZE_DIGITS; next++) {
      const digit = bytes[next]! - ZERO;
      if (digit < 0 || digit > 9) break;
      sizeBytes = sizeBytes * 10 + digit;
    }
    if (next === pathEnd + 1 || bytes[next] !== SPACE) return UNUSUAL;
    const digest = next + 1;
    let end = digest;
    while ((CLASSES[bytes[end]!]! & HEX) !== 0) end++;
    const digits = end - digest;
    if (bytes[end] !== NEWLINE || (digits !== SHA512_DIGITS && digits !== MD5_DIGITS)) return UNUSUAL;
    if (digits > this.#wordBytes || next - pathEnd - 1 > this.#wordBytes) return UNUSUAL;
    const archive = this.#table.texts.addArchive(at, pathEnd, sizeBytes, digest, end);
    if (key === 'install') this.#builder.installAt(archive, this.#tokens.line);
    else this.#builder.sourceAt(archive, this.#tokens.line);
    return end + 1;
  }

  /** Text in quotes, over any number of lines. */
  #description(key: 'sdesc' | 'ldesc', at: number): number {
    if (this.#bytes[at] !== QUOTE) return UNUSUAL;
    const end = this.#text.indexOf('"', at + 1);
    if (end < 0 || end - at > this.#wordBytes || this.#bytes[end + 1] !== NEWLINE) return UNUSUAL;
    const raw = this.#text.slice(at + 1, end);
    if (raw.includes('\0')) return UNUSUAL;
    for (let line = raw.indexOf('\n'); line >= 0; line = raw.indexOf('\n', line + 1)) this.#tokens.line++;
    this.#builder[key](decodeQuoted(raw));
    return end + 2;
  }

  #categoryList(at: number): number {
    const end = this.#text.indexOf('\n', at);
    const written = this.#text.slice(at, end);
    let words = this.#categories.get(written);
    if (words === undefined) {
      for (let next = at; next <= end;) {
        const wordEnd = this.#word(next);
        if (wordEnd === UNUSUAL || (wordEnd < end && this.#bytes[wordEnd] !== SPACE)) return UNUSUAL;
        next = wordEnd + 1;
      }
      words = distinctCategories(written.split(' '));
      this.#categories.set(written, words);
    }
    this.#builder.categories(words);
    return end + 1;
  }

  /** Entries of the form `NAME` or `NAME (OP VERSION)`. Most lists are equal to one of an earlier version. */
  #list(key: Parameters<RecordBuilder['list']>[0] & ItemKey, at: number, separator: ', ' | ' '): number {
    const end = this.#text.indexOf('\n', at);
    const written = this.#text.slice(at, end);
    const known = separator === ' ' ? this.#blankLists : this.#commaLists;
    let list = known.get(written);
    if (list === undefined) {
      if (!this.#isList(at, end, separator === ', ')) return UNUSUAL;
      list = new LazyList(written, separator, this.#pool);
      known.set(written, list);
    }
    this.#builder.list(key, list, this.#tokens.line);
    return end + 1;
  }

  #isList(at: number, end: number, isComma: boolean): boolean {
    const bytes = this.#bytes;
    let next = at;
    for (;;) {
      next = this.#word(next);
      if (next === UNUSUAL) return false;
      if (bytes[next] === SPACE && bytes[next + 1] === OPEN_PARENTHESIS) {
        const operatorEnd = bytes[next + 3] === SPACE ? next + 3 : next + 4;
        if (!isComma || bytes[operatorEnd] !== SPACE) return false;
        if (!OPERATORS.has(this.#text.slice(next + 2, operatorEnd))) return false;
        next = this.#word(operatorEnd + 1);
        if (next === UNUSUAL || bytes[next] !== CLOSE_PARENTHESIS) return false;
        next++;
      }
      if (next === end) return true;
      if (isComma && bytes[next++] !== COMMA) return false;
      if (bytes[next++] !== SPACE) return false;
    }
  }

  /** Returns the end of the word at `at` when a line end follows it, else UNUSUAL. */
  #lastWord(at: number): number {
    const end = this.#word(at);
    return end !== UNUSUAL && this.#bytes[end] === NEWLINE ? end : UNUSUAL;
  }

  /** Returns the end of the word at `at`, or UNUSUAL: no word, too long, a digest, or perhaps a keyword. */
  #word(at: number): number {
    const bytes = this.#bytes;
    let end = at;
    while (CLASSES[bytes[end]!] !== 0) end++;
    const length = end - at;
    if (length === 0 || length > this.#wordBytes || bytes[end - 1] === COLON) return UNUSUAL;
    if (length === MD5_DIGITS || length === SHA512_DIGITS || length === SHA512_BASE64_DIGITS) {
      if (isDigest(length, commonClasses(this.#text.slice(at, end)))) return UNUSUAL;
    }
    return end;
  }
}
