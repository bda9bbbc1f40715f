import { CygstrapError } from '../../../errors.ts';
import { DiagnosticLog, ParseError, type Diagnostic } from '../diagnostics.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { RecordBuilder } from './builder.ts';
import { Grammar } from './grammar.ts';
import { LineReader } from './lines.ts';
import { DependencyPool } from '../pool.ts';
import { latin1 } from './text.ts';
import { TokenReader } from './tokens.ts';
import type { IndexHeader, PackageBlock, PackageRecord, VersionRecord } from '../records.ts';
import { VersionRows, VersionTable, type Row } from '../version-table.ts';

/** Release of setup whose grammar this parser follows. Setup and this parser refuse an index that requires a later one.
 */
export const OUR_SETUP_VERSION = '2.937';

export interface ParserOptions {
  /** File name in messages. */
  readonly file: string;
  /** Skip lines that setup refuses, each with a warning, instead of refusing the index. Default: false. */
  readonly lenient?: boolean;
  readonly limits?: Partial<Limits>;
  /** Release of setup to follow. Default: {@link OUR_SETUP_VERSION}. */
  readonly ourSetupVersion?: string;
  /** For tests: read every line by tokens. The result is the same, but slower. */
  readonly tokensOnly?: boolean;
}

export interface ParsedIndex {
  readonly header: IndexHeader;
  readonly records: readonly PackageRecord[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses a setup.ini that arrives in chunks, with the grammar and the meaning of setup. One difference: a NUL or a
 *  byte from 0x80 outside quotes and comments is an error. Setup treats it as the end of the index and drops the rest.
 *
 *  Returns packages in the order of the index. Equal lists may be the same array. Strings are slices of the chunks, so
 *  one retained string can retain its chunk.
 *
 *  Strict: after the first error no package is returned, and `end` throws a ParseError (`parse`) with all errors.
 *  Packages returned before are valid, but setup would refuse the whole index. Lenient: an invalid line is skipped.
 *  Invalid text between packages is skipped up to the next package. Each is a warning. `push` and `end` throw `limit`
 *  when a limit is exceeded; the parser cannot be used after that.
 *
 *  Lines of the usual form are read by {@link LineReader}, all others by {@link TokenReader} and {@link Grammar}.
 *  Source: cygwin-setup inilex.ll, iniparse.yy, IniDBBuilderPackage.cc; fixtures/setup-ini. */
export abstract class Parser<V> {
  /** @internal */
  protected readonly table = new VersionTable();
  readonly #file: string;
  readonly #lenient: boolean;
  readonly #limits: Limits;
  readonly #log: DiagnosticLog;
  readonly #pool = new DependencyPool();
  readonly #builder: RecordBuilder<V>;
  readonly #grammar: Grammar;
  readonly #tokens: TokenReader;
  readonly #lines: LineReader | undefined;
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
    if (options.tokensOnly !== true) this.#lines = new LineReader(this.#grammar, this.#tokens, { ...common, builder });
  }

  /** Returns the versions of a package from the rows from `start` to the end of the table.
   *  @internal */
  protected abstract versionsFrom(start: Row, packageName: string): V;

  /** Headers read so far. */
  get header(): IndexHeader {
    return this.#grammar.header;
  }

  /** Findings so far; complete and in the order of the index after `end`. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#log.list;
  }

  /** Reads a chunk and returns the packages completed by it. The caller may reuse the chunk. Throws `limit`. */
  push(chunk: Uint8Array): PackageBlock<V>[] {
    if (this.#bytesRead + chunk.length > this.#limits.totalBytes) {
      const message = `${this.#file}:${this.#tokens.line}: index of more than ${this.#limits.totalBytes} bytes`;
      throw new CygstrapError('limit', message, { details: { file: this.#file, line: this.#tokens.line } });
    }
    // Always a plain Uint8Array, never a Buffer: V8 optimizes the loops for one type.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = latin1(bytes);
    const tokens = this.#tokens;
    tokens.base = this.#bytesRead;
    this.#lines?.open(bytes, text);
    for (let at = 0; at < bytes.length;) {
      if (this.#lines !== undefined && this.#grammar.idle && tokens.isAtLineStart(tokens.base + at))
        at = this.#lines.read(at);
      at = tokens.read(bytes, text, at);
    }
    this.#lines?.close();
    this.#bytesRead += bytes.length;
    this.#grammar.checkRecord(this.#bytesRead);
    if (this.#pool.trim(this.#bytesRead)) this.#lines?.clearCaches();
    return this.#take();
  }

  /** Ends the index and returns the remaining packages. Throws `limit`, and `parse` (ParseError) for errors in strict
   *  mode. */
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

/** Returns packages as records and retains only incomplete ones. {@inheritDoc Parser} */
export class SetupIniParser extends Parser<readonly VersionRecord[]> {
  /** @internal */
  protected override versionsFrom(start: Row, packageName: string): readonly VersionRecord[] {
    const versions: VersionRecord[] = [];
    for (let row = start; row < this.table.count; row++) versions.push(this.table.record(row, packageName));
    this.table.cut(0);
    return versions;
  }
}

/** Returns packages as rows of one table, which retains the text of the index. A record is created on first access;
 *  this makes a command that uses few packages faster. {@inheritDoc Parser} */
export class RowParser extends Parser<VersionRows> {
  /** @internal */
  protected override versionsFrom(start: Row, packageName: string): VersionRows {
    return new VersionRows(packageName, this.table, start, this.table.count);
  }
}

/** Parses a stream of chunks into records. Closes `chunks` when the caller stops early. Throws like {@link
 *  SetupIniParser}. */
export async function* parseRecords(
  chunks: AsyncIterable<Uint8Array>,
  options: ParserOptions,
): AsyncGenerator<PackageRecord, void, undefined> {
  const parser = new SetupIniParser(options);
  for await (const chunk of chunks) yield* parser.push(chunk);
  yield* parser.end();
}

/** Parses a whole index; a string is encoded as UTF-8. Throws like {@link SetupIniParser}. */
export function parseText(index: string | Uint8Array, options: ParserOptions): ParsedIndex {
  const parser = new SetupIniParser(options);
  const bytes = typeof index === 'string' ? new TextEncoder().encode(index) : index;
  const records = [...parser.push(bytes), ...parser.end()];
  return { header: parser.header, records, diagnostics: parser.diagnostics };
}
