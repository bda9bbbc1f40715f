import { CygstrapError } from '../../../errors.ts';
import type { DiagnosticLog } from '../diagnostics.ts';
import type { Limits } from '../limits.ts';
import type { Dependency, IndexHeader } from '../records.ts';
import { distinctCategories, type RecordBuilder } from './builder.ts';
import { describe } from './describe.ts';
import type { VersionTable } from '../version-table.ts';
import { HeaderReader, isHeaderKey } from './headers.ts';
import { OPERATORS, type HeaderKey, type ItemKey } from '../lexicon.ts';
import { sizeOf } from './numbers.ts';
import { NO_LIST, distinct, type DependencyList, type DependencyPool } from '../pool.ts';
import type { Token, TokenSink } from './tokens.ts';

/** Part of the index that contains a statement. `lost`: after an error that no rule recovers from, until the next
 *  package. */
export type Region = 'headers' | 'between' | 'block' | 'lost';

/** One rule of the grammar: receives tokens one by one; returns undefined after an unexpected token. */
type Steps<T> = Generator<undefined, T, Token>;

export interface GrammarContext {
  readonly builder: RecordBuilder;
  readonly table: VersionTable;
  readonly pool: DependencyPool;
  readonly log: DiagnosticLog;
  readonly limits: Limits;
  readonly file: string;
  readonly ourSetupVersion: string;
}

/** Grammar of setup.ini as a state machine that receives tokens and calls the builder for each valid item. An invalid
 *  line inside a package block is skipped and counted ("error NL"). Setup stops at any other error; this parser
 *  continues at the next package to find further errors. Source: cygwin-setup iniparse.yy; each method is the rule of
 *  that name. */
export class Grammar implements TokenSink {
  region: Region = 'headers';
  idle = false;

  readonly #headers: HeaderReader;
  readonly #context: GrammarContext;
  readonly #builder: RecordBuilder;
  readonly #steps: Steps<void>;
  #recordOffset = 0;
  #recordLine = 0;
  /** The token after a list entry, read as lookahead. */
  #ahead: Token | undefined;
  /** The unexpected token of the current statement. */
  #fault: Token | undefined;

  constructor(context: GrammarContext) {
    this.#context = context;
    this.#builder = context.builder;
    this.#headers = new HeaderReader(context.log, context.ourSetupVersion);
    this.#steps = this.#wholeFile();
    this.#steps.next();
  }

  /** Headers read so far. */
  get header(): IndexHeader {
    return this.#headers.header;
  }

  accept(token: Token): void {
    this.#steps.next(token);
  }

  /** Opens a package block. `offset` is that of its `@`, in bytes from the start of the index. */
  startPackage(name: string, line: number, offset: number): void {
    this.#builder.startPackage(name, line);
    this.region = 'block';
    this.#recordOffset = offset;
    this.#recordLine = line;
  }

  /** Handles a blank line, which ends the headers or the package. */
  blankLine(): void {
    if (this.region === 'lost') return;
    this.#builder.endPackage();
    this.region = 'between';
  }

  /** Throws `limit` when the open package is too long. `offset` is the current one in bytes. */
  checkRecord(offset: number): void {
    const { limits, file } = this.#context;
    if (this.region !== 'block' || offset - this.#recordOffset <= limits.recordBytes) return;
    throw new CygstrapError('limit', `${file}:${this.#recordLine}: package of more than ${limits.recordBytes} bytes`, {
      details: { file, line: this.#recordLine },
    });
  }

  *#wholeFile(): Steps<void> {
    for (;;) {
      this.idle = true;
      const token: Token = yield;
      this.idle = false;
      this.checkRecord(token.offset);
      if (token.kind === 'end') {
        this.#builder.endPackage();
        return;
      }
      yield* this.#statement(token);
      if (this.#fault === undefined) continue;
      let skipped: Token = this.#fault;
      this.#fault = undefined;
      while (skipped.kind !== 'newline') {
        if (skipped.kind === 'end') {
          this.#builder.endPackage();
          return;
        }
        skipped = yield;
      }
    }
  }

  *#statement(token: Token): Steps<void> {
    if (token.kind === 'newline') {
      this.blankLine();
    } else if (token.key === 'package' || (token.kind === 'mark' && token.text === '@')) {
      yield* this.#package(token);
    } else if (this.region === 'lost') {
      this.#fault = token;
    } else if (this.region === 'block') {
      yield* this.#item(token);
    } else if (this.region === 'headers' && token.key !== undefined && isHeaderKey(token.key)) {
      yield* this.#headerLine(token.key);
    } else {
      this.#unexpected(token, this.region === 'headers' ? 'a header or `@ NAME`' : '`@ NAME` after a blank line');
    }
  }

  *#package(at: Token): Steps<void> {
    this.#builder.endPackage();
    this.region = 'between';
    const name = yield* this.#word('a package name');
    if (name === undefined || !(yield* this.#newline())) return;
    this.startPackage(name, at.line, at.offset);
  }

  *#headerLine(key: HeaderKey): Steps<void> {
    const token: Token = yield;
    if (token.kind !== 'word') return this.#unexpected(token, 'a word');
    if (yield* this.#newline()) this.#headers.set(key, token);
  }

  *#item(token: Token): Steps<void> {
    if (token.kind === 'label') {
      if (yield* this.#newline()) this.#builder.label(this.#context.table.texts.addOtherText(token.text));
    } else if (token.key === undefined || token.key === 'package' || isHeaderKey(token.key)) {
      this.#unexpected(token, 'an item of a package');
    } else {
      yield* this.#keyedItem(token.key, token.line);
    }
  }

  *#keyedItem(key: ItemKey, line: number): Steps<void> {
    switch (key) {
      case 'version':
      case 'sdesc':
      case 'ldesc': {
        const text = yield* this.#word(key === 'version' ? 'a version' : 'a text');
        if (text === undefined || !(yield* this.#newline())) return;
        if (key === 'version') this.#builder.version(this.#context.table.texts.addOtherText(text), line);
        else this.#builder[key](text);
        return;
      }
      case 'install':
      case 'source':
        return yield* this.#archive(key, line);
      case 'source-name':
        return yield* this.#source(line);
      case 'message': {
        const id = yield* this.#word('a message name');
        const text = id === undefined ? undefined : yield* this.#word('a text');
        if (id === undefined || text === undefined || !(yield* this.#newline())) return;
        this.#builder.message(id, text);
        return;
      }
      case 'category':
      case 'replace-versions': {
        const words = yield* this.#words();
        if (words === undefined) return;
        if (key === 'category') this.#builder.categories(distinctCategories(words));
        else this.#builder.replaceVersions(words);
        return;
      }
      case 'requires': {
        const list = yield* this.#versionedPackageListSp();
        if (list !== undefined) this.#builder.list('depends', list, line);
        return;
      }
      case 'depends':
      case 'obsoletes':
      case 'provides':
      case 'conflicts':
      case 'build-depends': {
        const list = yield* this.#versionedPackageList();
        if (list !== undefined) this.#builder.list(key, list, line);
        return;
      }
      default:
        key satisfies never;
    }
  }

  *#archive(key: 'install' | 'source', line: number): Steps<void> {
    const path = yield* this.#word('a path');
    if (path === undefined) return;
    const size = yield* this.#word('a size');
    if (size === undefined) return;
    const digest: Token = yield;
    if (digest.kind !== 'digest') return this.#unexpected(digest, 'an md5 or sha512 digest in lower case');
    if (yield* this.#newline()) this.#builder[key](path, sizeOf(size), digest.text, line);
  }

  /** "STRING versioninfo": setup does not use the version in parentheses. */
  *#source(line: number): Steps<void> {
    const name = yield* this.#word('a source package name');
    if (name === undefined) return;
    let token: Token = yield;
    if (isMark(token, '(')) {
      if ((yield* this.#word('a version')) === undefined) return;
      token = yield;
      if (!isMark(token, ')')) return this.#unexpected(token, '`)`');
      token = yield;
    }
    if (token.kind !== 'newline') return this.#unexpected(token, 'the end of the line');
    this.#builder.sourceName(name, line);
  }

  *#words(): Steps<string[] | undefined> {
    const words: string[] = [];
    for (;;) {
      const token: Token = yield;
      if (token.kind === 'newline') return words;
      if (token.kind !== 'word') return this.#unexpected(token, 'a word');
      words.push(token.text);
    }
  }

  /** "empty, or an entry, or a list, separator and entry": a list may begin with a separator. */
  *#versionedPackageList(): Steps<DependencyList | undefined> {
    const list: Dependency[] = [];
    let token: Token = yield;
    if (token.kind === 'newline') return NO_LIST;
    if (!isMark(token, ',')) {
      const entry = yield* this.#entry(token);
      if (entry === undefined) return undefined;
      list.push(entry);
      token = this.#ahead ?? (yield);
    }
    while (token.kind !== 'newline') {
      if (!isMark(token, ',')) return this.#unexpected(token, 'a comma or the end of the line');
      token = yield;
      // "listseparator: COMMA | COMMA NL"
      if (token.kind === 'newline') token = yield;
      const entry = yield* this.#entry(token);
      if (entry === undefined) return undefined;
      list.push(entry);
      token = this.#ahead ?? (yield);
    }
    return { entries: distinct(list) };
  }

  *#versionedPackageListSp(): Steps<DependencyList | undefined> {
    const list: Dependency[] = [];
    let token: Token = yield;
    do {
      const entry = yield* this.#entry(token);
      if (entry === undefined) return undefined;
      list.push(entry);
      token = this.#ahead ?? (yield);
    } while (token.kind !== 'newline');
    return { entries: distinct(list) };
  }

  /** Reads an entry that begins with `token`; stores the token after it in `#ahead`. */
  *#entry(token: Token): Steps<Dependency | undefined> {
    if (token.kind !== 'word') return this.#unexpected(token, 'a package name');
    const plain = this.#context.pool.named(token.text);
    this.#ahead = yield;
    if (!isMark(this.#ahead, '(')) return plain;
    const comparison: Token = yield;
    const op = comparison.kind === 'operator' ? OPERATORS.get(comparison.text) : undefined;
    if (op === undefined) return this.#unexpected(comparison, 'an operator');
    const version = yield* this.#word('a version');
    if (version === undefined) return undefined;
    const close: Token = yield;
    if (!isMark(close, ')')) return this.#unexpected(close, '`)`');
    this.#ahead = yield;
    return { name: plain.name, op, version };
  }

  *#word(expected: string): Steps<string | undefined> {
    const token: Token = yield;
    return token.kind === 'word' ? token.text : this.#unexpected(token, expected);
  }

  *#newline(): Steps<boolean> {
    const token: Token = yield;
    if (token.kind === 'newline') return true;
    this.#unexpected(token, 'the end of the line');
    return false;
  }

  #unexpected(token: Token, expected: string): undefined {
    this.#fault = token;
    const recovers = this.region === 'block' && token.kind !== 'end';
    if (this.region !== 'block') this.region = 'lost';
    const message = `expected ${expected}, found ${describe(token)}`;
    this.#context.log.error(recovers ? 'bad-line' : 'bad-structure', message, token.line, token.column);
    return undefined;
  }
}

function isMark(token: Token, mark: string): boolean {
  return token.kind === 'mark' && token.text === mark;
}
