import type { Limits } from '../limits.ts';
import type { Dependency, Operator } from '../records.ts';
import type { VersionTable } from '../version-table.ts';
import { distinctCategories, type RecordBuilder } from './builder.ts';
import type { Grammar } from './grammar.ts';
import {
  BASE64,
  BUILD_DEPENDS,
  CATEGORY,
  CLASSES,
  CONFLICTS,
  DEPENDS2,
  HEX,
  INSTALL,
  LDESC,
  MD5_DIGITS,
  OBSOLETES,
  PROVIDES,
  REQUIRES,
  SDESC,
  SHA512_DIGITS,
  SOURCE,
  VERSION,
  WORD,
  isDigest,
  type ListKey,
} from './lexicon.ts';
import { NO_ENTRY } from './byte-table.ts';
import { distinct, type DependencyPool } from './pool.ts';
import { decodeQuoted } from './text.ts';
import type { TokenReader } from './tokens.ts';

const ALL_CLASSES = WORD | HEX | BASE64;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const OPEN = 40;
const CLOSE = 41;
const COMMA = 44;
const COLON = 58;
const LESS = 60;
const EQUAL = 61;
const GREATER = 62;
const AT = 64;

/** Digits of a size that certainly fit in 31 bits. */
const SAFE_SIZE_DIGITS = 9;

/** Longer lines are not worth a place in a cache. */
const LONGEST_CACHED = 4096;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What a rule answers when a statement does not have the form it knows. */
const OTHER_FORM = -1;

/** Reads statements of exactly the form the official generator writes, straight from the bytes; anything else, right or
 *  wrong, it leaves untouched to the grammar, so that both give the same records.
 *  Works on whole lines only, so that a line end stops every loop over words. */
export class FastPath {
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
  /** Where a list grows, so that what is kept has its exact size; never emptied, which would be to allocate it anew. */
  readonly #scratch: Dependency[] = [];
  /** Lines that the statement in hand ends after. */
  #lines = 0;

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

  /** Takes a chunk in hand; `text` is `latin1(bytes)`. The last line end is looked for once, so that a chunk full of
   *  statements of other forms stays cheap. */
  open(bytes: Uint8Array, text: string): void {
    this.#bytes = bytes;
    this.#text = text;
    this.#table.open(text);
    this.#end = bytes.lastIndexOf(NEWLINE) + 1;
  }

  /** Lets go of the chunk. */
  close(): void {
    this.#bytes = NO_BYTES;
    this.#text = '';
    this.#table.open('');
    this.#end = 0;
  }

  /** Reads as many statements as it can from `at`, the start of a line; returns the start of the first one it left. */
  read(at: number): number {
    let { line } = this.#tokens;
    let next = at;
    while (next < this.#end) {
      this.#lines = 1;
      const after = this.#statement(next, line);
      if (after === OTHER_FORM) break;
      next = after;
      line += this.#lines;
    }
    this.#tokens.line = line;
    this.#tokens.lineOffset = this.#tokens.base + next;
    return next;
  }

  #statement(at: number, line: number): number {
    const first = this.#bytes[at]!;
    if (first === NEWLINE) {
      this.#grammar.checkRecord(this.#tokens.base + at);
      this.#grammar.blankLine();
      return at + 1;
    }
    if (first === AT) return this.#package(at, line);
    if (this.#grammar.region !== 'block') return OTHER_FORM;
    switch (first) {
      case 118: // v
        return this.#version(at, line);
      case 105: // i
        return this.#startsWith(INSTALL, at) ? this.#archive(at + INSTALL.length, line, true) : OTHER_FORM;
      case 115: // s
        if (this.#startsWith(SOURCE, at)) return this.#archive(at + SOURCE.length, line, false);
        return this.#startsWith(SDESC, at) ? this.#description(at + SDESC.length, true) : OTHER_FORM;
      case 108: // l
        return this.#startsWith(LDESC, at) ? this.#description(at + LDESC.length, false) : OTHER_FORM;
      case 100: // d
        return this.#commaList(at, line, DEPENDS2, 'depends');
      case 98: // b
        return this.#commaList(at, line, BUILD_DEPENDS, 'build-depends');
      case 111: // o
        return this.#commaList(at, line, OBSOLETES, 'obsoletes');
      case 112: // p
        return this.#commaList(at, line, PROVIDES, 'provides');
      case 99: // c
        if (this.#startsWith(CATEGORY, at)) return this.#category(at + CATEGORY.length);
        return this.#commaList(at, line, CONFLICTS, 'conflicts');
      case 114: // r
        return this.#startsWith(REQUIRES, at) ? this.#blankList(at + REQUIRES.length, line) : OTHER_FORM;
      case 91: // [
        return this.#label(at);
      default:
        return OTHER_FORM;
    }
  }

  /** Where the line ends. A loop, since the text has only now come into the cache of the processor as bytes. */
  #lineEnd(at: number): number {
    const bytes = this.#bytes;
    let end = at;
    while (bytes[end] !== NEWLINE) end++;
    return end;
  }

  #startsWith(key: Uint8Array, at: number): boolean {
    const bytes = this.#bytes;
    if (at + key.length > this.#end) return false;
    for (let i = 1; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    return true;
  }

  /** The end of the word at `at`; OTHER_FORM for what is none, or might be a digest or a keyword. */
  #wordEnd(at: number): number {
    const bytes = this.#bytes;
    let bits = ALL_CLASSES;
    let next = at;
    for (;;) {
      const classes = CLASSES[bytes[next]!]!;
      if (classes === 0) break;
      bits &= classes;
      next++;
    }
    const length = next - at;
    if (length === 0 || length > this.#wordBytes || isDigest(length, bits)) return OTHER_FORM;
    return bytes[next - 1] === COLON ? OTHER_FORM : next;
  }

  /** The end of the hexadecimal digest at `at` when the line ends there. */
  #digestEnd(at: number): number {
    const bytes = this.#bytes;
    let end = at + SHA512_DIGITS;
    if (end >= this.#end || bytes[end] !== NEWLINE) end = at + MD5_DIGITS;
    if (end >= this.#end || bytes[end] !== NEWLINE) return OTHER_FORM;
    let bits = HEX;
    for (let next = at; next < end; next += 4) {
      bits &= CLASSES[bytes[next]!]! & CLASSES[bytes[next + 1]!]! & CLASSES[bytes[next + 2]!]! & CLASSES[bytes[next + 3]!]!;
    }
    return bits === 0 ? OTHER_FORM : end;
  }

  #package(at: number, line: number): number {
    if (this.#bytes[at + 1] !== SPACE) return OTHER_FORM;
    const end = this.#wordEnd(at + 2);
    if (end === OTHER_FORM || this.#bytes[end] !== NEWLINE) return OTHER_FORM;
    const offset = this.#tokens.base + at;
    this.#grammar.checkRecord(offset);
    this.#grammar.startPackage(this.#text.slice(at + 2, end), line, offset);
    return end + 1;
  }

  #version(at: number, line: number): number {
    if (!this.#startsWith(VERSION, at)) return OTHER_FORM;
    const start = at + VERSION.length;
    const end = this.#wordEnd(start);
    if (end === OTHER_FORM || this.#bytes[end] !== NEWLINE) return OTHER_FORM;
    this.#builder.version(this.#text.slice(start, end), line);
    return end + 1;
  }

  #archive(start: number, line: number, isInstall: boolean): number {
    const bytes = this.#bytes;
    const pathEnd = this.#wordEnd(start);
    if (pathEnd === OTHER_FORM || bytes[pathEnd] !== SPACE) return OTHER_FORM;
    let next = pathEnd + 1;
    let sizeBytes = 0;
    for (let digit = bytes[next]! - 48; digit >= 0 && digit <= 9; digit = bytes[++next]! - 48) {
      sizeBytes = sizeBytes * 10 + digit;
    }
    const digits = next - pathEnd - 1;
    if (digits === 0 || digits > SAFE_SIZE_DIGITS || bytes[next] !== SPACE) return OTHER_FORM;
    const end = this.#digestEnd(next + 1);
    if (end === OTHER_FORM) return OTHER_FORM;
    const archive = this.#table.addArchive(start, pathEnd, sizeBytes, next + 1, end);
    if (isInstall) this.#builder.installAt(archive, line);
    else this.#builder.sourceAt(archive, line);
    return end + 1;
  }

  /** Quoted text, perhaps over several lines, that ends its line. */
  #description(start: number, isShort: boolean): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let next = start;
    let seen = 0;
    let lines = 1;
    for (;;) {
      if (next >= end) return OTHER_FORM;
      const byte = bytes[next]!;
      if (byte === QUOTE) break;
      if (byte === NEWLINE) lines++;
      else if (byte === 0) return OTHER_FORM;
      seen |= byte;
      next++;
    }
    if (bytes[next + 1] !== NEWLINE || next - start > this.#wordBytes) return OTHER_FORM;
    const raw = this.#text.slice(start, next);
    const text = seen < 128 ? raw : decodeQuoted(raw);
    if (isShort) this.#builder.sdesc(text);
    else this.#builder.ldesc(text);
    this.#lines = lines;
    return next + 2;
  }

  #label(at: number): number {
    const bytes = this.#bytes;
    let next = at + 1;
    while (CLASSES[bytes[next]!] !== 0) next++;
    if (bytes[next] !== 93 || bytes[next + 1] !== NEWLINE || next - at > 64 || next === at + 1) return OTHER_FORM;
    this.#builder.label(this.#text.slice(at + 1, next));
    return next + 2;
  }

  #category(start: number): number {
    const end = this.#lineEnd(start);
    if (end - start > LONGEST_CACHED) return OTHER_FORM;
    const { wordLists } = this.#pool;
    const known = wordLists.find(this.#bytes, start, end);
    if (known !== NO_ENTRY) {
      this.#builder.categories(wordLists.at(known));
      return end + 1;
    }
    if (!this.#isWordLine(start, end)) return OTHER_FORM;
    const words = distinctCategories(this.#text.slice(start, end).split(' '));
    wordLists.add(this.#bytes, start, end, words);
    this.#builder.categories(words);
    return end + 1;
  }

  #blankList(start: number, line: number): number {
    const end = this.#lineEnd(start);
    if (end - start > LONGEST_CACHED) return OTHER_FORM;
    const { blankLists } = this.#pool;
    const known = blankLists.find(this.#bytes, start, end);
    if (known !== NO_ENTRY) {
      this.#builder.list('depends', blankLists.at(known), line);
      return end + 1;
    }
    if (!this.#isWordLine(start, end)) return OTHER_FORM;
    const list = this.#named(start, end);
    blankLists.add(this.#bytes, start, end, list);
    this.#builder.list('depends', list, line);
    return end + 1;
  }

  /** The dependencies of a line of words. */
  #named(start: number, end: number): readonly Dependency[] {
    let count = 0;
    this.#pool.beginList();
    for (let at = start; at < end; ) {
      const wordEnd = this.#wordEnd(at);
      this.#scratch[count++] = this.#pool.named(this.#bytes, this.#text, at, wordEnd);
      at = wordEnd + 1;
    }
    return this.#scratched(count);
  }

  /** Words with single blanks between, and at least one. */
  #isWordLine(start: number, end: number): boolean {
    let next = this.#wordEnd(start);
    while (next !== OTHER_FORM && next !== end) {
      next = this.#bytes[next] === SPACE ? this.#wordEnd(next + 1) : OTHER_FORM;
    }
    return next === end;
  }

  #commaList(at: number, line: number, keyBytes: Uint8Array, key: ListKey): number {
    if (!this.#startsWith(keyBytes, at)) return OTHER_FORM;
    const start = at + keyBytes.length;
    const end = this.#lineEnd(start);
    if (end - start > LONGEST_CACHED) return OTHER_FORM;
    const { commaLists } = this.#pool;
    const known = commaLists.find(this.#bytes, start, end);
    if (known !== NO_ENTRY) {
      this.#builder.list(key, commaLists.at(known), line);
      return end + 1;
    }
    const list = this.#dependencies(start, end);
    if (list === undefined) return OTHER_FORM;
    commaLists.add(this.#bytes, start, end, list);
    this.#builder.list(key, list, line);
    return end + 1;
  }

  /** `NAME` or `NAME (OP VERSION)`, with `, ` between, and at least one. */
  #dependencies(start: number, end: number): readonly Dependency[] | undefined {
    const bytes = this.#bytes;
    const list = this.#scratch;
    let count = 0;
    this.#pool.beginList();
    let next = start;
    for (;;) {
      const nameEnd = this.#wordEnd(next);
      if (nameEnd === OTHER_FORM) return undefined;
      const plain = this.#pool.named(bytes, this.#text, next, nameEnd);
      next = nameEnd;
      if (bytes[next] === SPACE && bytes[next + 1] === OPEN) {
        const operatorAt = next + 2;
        const versionAt = this.#operatorEnd(operatorAt);
        if (versionAt === OTHER_FORM || bytes[versionAt] !== SPACE) return undefined;
        const versionEnd = this.#wordEnd(versionAt + 1);
        if (versionEnd === OTHER_FORM || bytes[versionEnd] !== CLOSE) return undefined;
        const op = operatorOf(bytes[operatorAt]!, versionAt - operatorAt === 2 ? bytes[operatorAt + 1]! : 0);
        list[count++] = { name: plain.name, op, version: this.#text.slice(versionAt + 1, versionEnd) };
        next = versionEnd + 1;
      } else {
        list[count++] = plain;
      }
      if (next === end) return this.#scratched(count);
      if (bytes[next] !== COMMA || bytes[next + 1] !== SPACE) return undefined;
      next += 2;
    }
  }

  /** A copy of what has grown, in its exact size. */
  #scratched(count: number): readonly Dependency[] {
    const list = this.#scratch.slice(0, count);
    return this.#pool.isRepeated ? distinct(list) : list;
  }

  #operatorEnd(at: number): number {
    const first = this.#bytes[at]!;
    const second = this.#bytes[at + 1]!;
    if (first === EQUAL) return at + 1;
    if (first !== LESS && first !== GREATER) return OTHER_FORM;
    return second === EQUAL || second === first ? at + 2 : at + 1;
  }
}

function operatorOf(first: number, second: number): Operator {
  if (first === EQUAL) return '=';
  if (second === EQUAL) return first === LESS ? '<=' : '>=';
  return first === LESS ? '<' : '>';
}
