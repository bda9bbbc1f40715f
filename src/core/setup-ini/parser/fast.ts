import type { Limits } from '../limits.ts';
import type { VersionTable } from '../version-table.ts';
import { distinctCategories, type RecordBuilder } from './builder.ts';
import type { Grammar } from './grammar.ts';
import {
  BLANK_LINE,
  BUILD_DEPENDS,
  CATEGORY,
  CONFLICTS,
  DEPENDS2,
  INSTALL,
  LABEL,
  LDESC,
  OBSOLETES,
  PACKAGE,
  PROVIDES,
  REQUIRES,
  SDESC,
  SOURCE,
  VERSION,
} from './lexicon.ts';
import { WrittenList, type DependencyList, type DependencyPool } from './pool.ts';
import type { Scanner } from './scanner.ts';
import { decodeQuoted } from './text.ts';
import type { TokenReader } from './tokens.ts';

const NEWLINE = 10;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_ENTRY = -1;

/** What the scanner can count to. */
const LARGEST_WORD_BYTES = 2 ** 31 - 1;

/** So near to the end of the text in hand, a statement of another form may be one that is cut off there. */
const CUT_OFF_BYTES = 1 << 16;

/** Reads statements of exactly the form the official generator writes, as the scanner finds them; anything else, right or
 *  wrong, it leaves untouched to the grammar, so that both give the same records.
 *  Works on whole lines only, so that a line end stops every loop over words. */
export class FastPath {
  readonly #scanner: Scanner;
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
  /** What of the chunk the scanner has in hand. */
  #from = 0;
  #to = 0;
  /** By the scanner's numbers of that generation. */
  #generation: number;
  readonly #lists = new Map<number, DependencyList>();
  readonly #categories = new Map<number, readonly string[]>();

  constructor(
    scanner: Scanner,
    grammar: Grammar,
    tokens: TokenReader,
    context: { builder: RecordBuilder; table: VersionTable; pool: DependencyPool; limits: Limits },
  ) {
    this.#scanner = scanner;
    this.#grammar = grammar;
    this.#tokens = tokens;
    this.#builder = context.builder;
    this.#table = context.table;
    this.#pool = context.pool;
    this.#wordBytes = Math.min(context.limits.wordBytes, LARGEST_WORD_BYTES);
    // Another index leaves it no room otherwise.
    scanner.forget();
    this.#generation = scanner.generation;
  }

  /** Takes a chunk in hand; `text` is `latin1(bytes)`. The last line end is looked for once, so that a chunk full of
   *  statements of other forms stays cheap. */
  open(bytes: Uint8Array, text: string): void {
    this.#scanner.limitWords(this.#wordBytes);
    if (this.#generation !== this.#scanner.generation) this.#forgetLists();
    this.#bytes = bytes;
    this.#text = text;
    this.#table.open(text);
    this.#end = bytes.lastIndexOf(NEWLINE) + 1;
    this.#take(0);
  }

  /** Lets go of the chunk. */
  close(): void {
    this.#bytes = NO_BYTES;
    this.#text = '';
    this.#table.open('');
    this.#end = 0;
  }

  /** Forgets which lists came before. */
  forget(): void {
    this.#scanner.forget();
    this.#forgetLists();
  }

  #forgetLists(): void {
    this.#generation = this.#scanner.generation;
    this.#lists.clear();
    this.#categories.clear();
  }

  /** Hands the scanner the lines from `at` on, as many as it takes at a time. */
  #take(at: number): void {
    const most = at + this.#scanner.windowBytes;
    this.#from = at;
    this.#to = most >= this.#end ? this.#end : this.#bytes.lastIndexOf(NEWLINE, most - 1) + 1;
    if (this.#to > at) this.#scanner.take(this.#bytes.subarray(at, this.#to));
  }

  /** Reads as many statements as it can from `at`, the start of a line; returns the start of the first one it left. */
  read(at: number): number {
    let next = at;
    if (next >= this.#to && next < this.#end) this.#take(next);
    while (next < this.#to) {
      const count = this.#scanner.scan(
        next - this.#from,
        this.#to - this.#from,
        this.#tokens.line,
        this.#grammar.region === 'block',
      );
      const { stopLine } = this.#scanner;
      next = this.#from + this.#scanner.stop;
      this.#apply(count);
      this.#tokens.line = stopLine;
      if (count === this.#scanner.mostEvents) continue;
      // At the end of what it had in hand, or at another form. To take text in hand costs its length, so that it must have read some.
      const isCutOff =
        this.#to < this.#end && this.#to - next < CUT_OFF_BYTES && (next - this.#from) * 2 >= this.#scanner.windowBytes;
      if (!isCutOff) break;
      this.#take(next);
    }
    this.#tokens.lineOffset = this.#tokens.base + next;
    return next;
  }

  /** Does what the statements say that were found. */
  #apply(count: number): void {
    const { events, eventFields } = this.#scanner;
    const builder = this.#builder;
    const text = this.#text;
    const from = this.#from;
    for (let event = 0, end = count * eventFields; event < end; event += eventFields) {
      const line = events[event + 1]!;
      const start = from + events[event + 2]!;
      const stop = from + events[event + 3]!;
      switch (events[event]!) {
        case BLANK_LINE:
          this.#grammar.checkRecord(this.#tokens.base + start);
          this.#grammar.blankLine();
          break;
        case PACKAGE: {
          const offset = this.#tokens.base + start - 2;
          this.#grammar.checkRecord(offset);
          this.#grammar.startPackage(text.slice(start, stop), line, offset);
          break;
        }
        case VERSION:
          builder.version(this.#table.addText(start, stop), line);
          break;
        case LABEL:
          builder.label(this.#table.addText(start, stop));
          break;
        case INSTALL:
          builder.installAt(this.#archive(event, start, stop), line);
          break;
        case SOURCE:
          builder.sourceAt(this.#archive(event, start, stop), line);
          break;
        case SDESC:
          builder.sdesc(this.#description(event, start, stop));
          break;
        case LDESC:
          builder.ldesc(this.#description(event, start, stop));
          break;
        case CATEGORY:
          builder.categories(this.#wordList(event, start, stop));
          break;
        case DEPENDS2:
          builder.list('depends', this.#list(event, start, stop, ', '), line);
          break;
        case REQUIRES:
          builder.list('depends', this.#list(event, start, stop, ' '), line);
          break;
        case BUILD_DEPENDS:
          builder.list('build-depends', this.#list(event, start, stop, ', '), line);
          break;
        case OBSOLETES:
          builder.list('obsoletes', this.#list(event, start, stop, ', '), line);
          break;
        case PROVIDES:
          builder.list('provides', this.#list(event, start, stop, ', '), line);
          break;
        case CONFLICTS:
          builder.list('conflicts', this.#list(event, start, stop, ', '), line);
          break;
        default:
          throw new Error(`the scanner knows a key that the parser does not: ${events[event]}`);
      }
    }
  }

  #archive(event: number, start: number, stop: number): number {
    const { events } = this.#scanner;
    return this.#table.addArchive(
      start,
      stop,
      events[event + 4]!,
      this.#from + events[event + 5]!,
      this.#from + events[event + 6]!,
    );
  }

  #description(event: number, start: number, stop: number): string {
    const raw = this.#text.slice(start, stop);
    return this.#scanner.events[event + 4]! < 128 ? raw : decodeQuoted(raw);
  }

  #wordList(event: number, start: number, stop: number): readonly string[] {
    const entry = this.#scanner.events[event + 4]!;
    let words = this.#categories.get(entry);
    if (words === undefined) {
      words = distinctCategories(this.#text.slice(start, stop).split(' '));
      if (entry !== NO_ENTRY) this.#categories.set(entry, words);
    }
    return words;
  }

  #list(event: number, start: number, stop: number, separator: ', ' | ' '): DependencyList {
    const entry = this.#scanner.events[event + 4]!;
    let list = this.#lists.get(entry);
    if (list === undefined) {
      list = new WrittenList(this.#text.slice(start, stop), separator, this.#pool);
      if (entry !== NO_ENTRY) this.#lists.set(entry, list);
    }
    return list;
  }
}
