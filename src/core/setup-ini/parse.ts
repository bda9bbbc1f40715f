import { CygstrapError } from '../../errors.ts';
import { DiagnosticLog, ParseError, type Diagnostic } from './diagnostics.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { RecordBuilder } from './parser/builder.ts';
import { Grammar } from './parser/grammar.ts';
import { LineReader } from './parser/lines.ts';
import { DependencyPool } from './parser/pool.ts';
import { latin1 } from './parser/text.ts';
import { TokenReader } from './parser/tokens.ts';
import type { IndexHeader, PackageBlock, PackageRecord, VersionRecord } from './records.ts';
import { VersionRows, VersionTable, type Row } from './version-table.ts';

/** The release of setup whose grammar this is; an index that needs a later one is refused, as setup does. */
export const OUR_SETUP_VERSION = '2.937';

export interface ParserOptions {
  /** Name for messages. */
  readonly file: string;
  /** Leave out what setup would refuse, and say so in warnings, instead of refusing the index. */
  readonly lenient?: boolean;
  readonly limits?: Partial<Limits>;
  readonly ourSetupVersion?: string;
  /** For tests: token by token even where a line has the usual form. The result is the same. */
  readonly tokensOnly?: boolean;
}

export interface ParsedIndex {
  readonly header: IndexHeader;
  readonly records: readonly PackageRecord[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses a setup.ini that arrives in chunks. Accepts what setup accepts and means what setup means by it, with one
 *  difference: a NUL or a byte from 0x80 outside quotes and comments is an error, where setup takes it for the end of the
 *  index and silently forgets the rest. Packages come in the order of the index; equal lists in them may be the same
 *  array. They hold slices of the chunks: keeping one string of a package may keep its chunk in memory.
 *
 *  Strict: once something is wrong no more packages come, all errors are gathered, and `end` throws them as a ParseError
 *  (`parse`). Packages given out before were right as far as they went, but setup would use none of them.
 *  Lenient: a wrong line is left out, garbage between packages is passed over up to the next package, and each is a warning.
 *  Either way `push` and `end` throw `limit` past a limit; the parser is of no use after that.
 *  Source: cygwin-setup inilex.ll, iniparse.yy, IniDBBuilderPackage.cc; fixtures/setup-ini. */
export abstract class Parser<V> {
  protected readonly table = new VersionTable();
  readonly #file: string;
  readonly #lenient: boolean;
  readonly #limits: Limits;
  readonly #log: DiagnosticLog;
  readonly #pool = new DependencyPool();
  readonly #builder: RecordBuilder<V>;
  readonly #grammar: Grammar;
  readonly #tokens: TokenReader;
  readonly #fast: LineReader | undefined;
  #bytesRead = 0;
  #ended = false;

  constructor(options: ParserOptions) {
    this.#file = options.file;
    this.#lenient = options.lenient === true;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const common = { file: this.#file, limits: this.#limits, pool: this.#pool, table: this.table };
    this.#log = new DiagnosticLog(this.#file, { lenient: this.#lenient, most: this.#limits.diagnostics });
    const builder = new RecordBuilder(this.#log, this.table, (start, name) => this.versionsFrom(start, name));
    this.#builder = builder;
    this.#grammar = new Grammar({
      ...common,
      builder,
      log: this.#log,
      ourSetupVersion: options.ourSetupVersion ?? OUR_SETUP_VERSION,
    });
    this.#tokens = new TokenReader(this.#grammar, { log: this.#log, limits: this.#limits, file: this.#file });
    if (options.tokensOnly !== true) this.#fast = new LineReader(this.#grammar, this.#tokens, { ...common, builder });
  }

  /** Makes of the rows from `start` to the end of the table what is given out as the versions of a package. */
  protected abstract versionsFrom(start: Row, packageName: string): V;

  /** What the headers said so far. */
  get header(): IndexHeader {
    return this.#grammar.header;
  }

  /** What was found so far; complete, and in the order of the index, after `end`. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#log.list;
  }

  /** Reads on; returns the packages that are complete now. The chunk may be reused afterwards. */
  push(chunk: Uint8Array): PackageBlock<V>[] {
    if (this.#bytesRead + chunk.length > this.#limits.totalBytes) {
      const message = `${this.#file}:${this.#tokens.line}: an index of more than ${this.#limits.totalBytes} bytes`;
      throw new CygstrapError('limit', message, { details: { file: this.#file, line: this.#tokens.line } });
    }
    // A plain Uint8Array even of a Buffer: the loops over it stay fast only for one kind.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = latin1(bytes);
    const tokens = this.#tokens;
    tokens.base = this.#bytesRead;
    this.#fast?.open(bytes, text);
    for (let at = 0; at < bytes.length;) {
      if (this.#fast !== undefined && this.#grammar.idle && tokens.isAtLineStart(tokens.base + at))
        at = this.#fast.read(at);
      at = tokens.read(bytes, text, at);
    }
    this.#fast?.close();
    this.#bytesRead += bytes.length;
    this.#grammar.checkRecord(this.#bytesRead);
    if (this.#pool.trim(this.#bytesRead)) this.#fast?.forget();
    return this.#take();
  }

  /** Ends the index; returns the rest. Throws ParseError in strict mode when anything was wrong. */
  end(): PackageBlock<V>[] {
    if (!this.#ended) {
      this.#ended = true;
      this.#tokens.base = this.#bytesRead;
      this.#tokens.finish();
      this.#log.close();
    }
    if (!this.#lenient && this.#log.errorCount > 0) throw new ParseError(this.#log.list, this.#log.errorCount);
    return this.#take();
  }

  #take(): PackageBlock<V>[] {
    const packages = this.#builder.take();
    return this.#lenient || this.#log.errorCount === 0 ? packages : [];
  }
}

/** Gives packages out as records, and keeps no more than the last ones. {@inheritDoc Parser} */
export class SetupIniParser extends Parser<readonly VersionRecord[]> {
  protected override versionsFrom(start: Row, packageName: string): readonly VersionRecord[] {
    const versions: VersionRecord[] = [];
    for (let row = start; row < this.table.count; row++) versions.push(this.table.record(row, packageName));
    this.table.cut(0);
    return versions;
  }
}

/** Gives packages out as rows of one table, which holds on to the text, so that records need only be made of what is asked for. */
export class RowParser extends Parser<VersionRows> {
  protected override versionsFrom(start: Row, packageName: string): VersionRows {
    return new VersionRows(packageName, this.table, start, this.table.count);
  }
}

/** Parses chunks as they come; stopping early closes `chunks`. Throws what SetupIniParser throws. */
export async function* parseRecords(
  chunks: AsyncIterable<Uint8Array>,
  options: ParserOptions,
): AsyncGenerator<PackageRecord, void, undefined> {
  const parser = new SetupIniParser(options);
  for await (const chunk of chunks) yield* parser.push(chunk);
  yield* parser.end();
}

/** Parses a whole index; text counts as UTF-8. Throws what SetupIniParser throws. */
export function parseText(index: string | Uint8Array, options: ParserOptions): ParsedIndex {
  const parser = new SetupIniParser(options);
  const bytes = typeof index === 'string' ? new TextEncoder().encode(index) : index;
  const records = [...parser.push(bytes), ...parser.end()];
  return { header: parser.header, records, diagnostics: parser.diagnostics };
}
