import { CatalogBuilder } from '../core/catalog/catalog.ts';
import type { Catalog } from '../core/catalog/catalog.ts';
import { openIndex } from '../input/open-index.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { Diagnostic } from '../core/setup-ini/diagnostics.ts';
import { RowParser, SetupIniParser } from '../core/setup-ini/parser/parse.ts';
import type { Parser, ParserOptions } from '../core/setup-ini/parser/parse.ts';
import type { IndexHeader, PackageBlock, PackageRecord, VersionRecord } from '../core/setup-ini/records.ts';
import type { PackageRows } from '../core/setup-ini/version-table.ts';
import { cacheDirectoryOf } from './context.ts';
import type { ReadingContext } from './context.ts';

/** An index to read: a path, `-` for stdin, or bytes with a name for messages. */
export type IndexSource = string | { readonly name: string; readonly bytes: Uint8Array };

/** Receives the records of an index while it is read; `index` counts from 0. */
export type TakeRecords = (records: readonly PackageRecord[], index: number) => void;

export interface LoadOptions extends ReadingContext {
  /** Input for `-`. Default: stdin of this process. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Compute the digest of plain text, which costs 5 % of a command. Default: true. */
  readonly digest?: boolean | undefined;
}

/** A catalog and its indexes, in the given order. */
export interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly indexes: readonly IndexSummary[];
}

/** Reads one index, or several one after another, and merges them. Parsing and decompression overlap. `take` receives
 *  the records too. Throws InputError for unreadable input and ParseError for a text that setup rejects. */
export async function loadCatalog(
  sources: IndexSource | readonly IndexSource[],
  options: LoadOptions = {},
  take?: TakeRecords,
): Promise<LoadedCatalog> {
  const builder = new CatalogBuilder();
  const indexes: IndexSummary[] = [];
  const add = (packages: readonly (PackageRecord | PackageRows)[], release: string | undefined): void => {
    for (const pkg of packages) builder.add(pkg, release);
  };
  for (const [i, source] of listOf(sources).entries()) {
    const summary =
      take === undefined
        ? await readInto(new RowParser(parserOptions(source, options)), source, options, add)
        : await readIndex(source, options, (records, release) => {
            take(records, i);
            add(records, release);
          });
    for (const { file, line, column, message } of summary.diagnostics) {
      options.report?.({ kind: 'warning', message: `${file}:${line}:${column}: ${message}` });
    }
    builder.endIndex(summary.index.name, summary.header);
    indexes.push(summary.index);
  }
  return { catalog: builder.finish(), indexes };
}

function listOf(sources: IndexSource | readonly IndexSource[]): readonly IndexSource[] {
  return typeof sources === 'string' || 'bytes' in sources ? [sources] : sources;
}

/** Facts about an index after it was read. */
export interface ReadIndex {
  readonly header: IndexHeader;
  readonly diagnostics: readonly Diagnostic[];
  readonly index: IndexSummary;
}

/** Reads one index and passes on its records, each time with the `release:` label. Throws like {@link loadCatalog}.
 *  */
export function readIndex(
  source: IndexSource,
  options: LoadOptions,
  take: TakePackages<readonly VersionRecord[]>,
): Promise<ReadIndex> {
  return readInto(new SetupIniParser(parserOptions(source, options)), source, options, take);
}

type TakePackages<V> = (packages: readonly PackageBlock<V>[], release: string | undefined) => void;

function nameOf(source: IndexSource): string {
  return typeof source === 'string' ? source : source.name;
}

function parserOptions(source: IndexSource, options: LoadOptions): ParserOptions {
  return { file: nameOf(source), lenient: options.lenient === true };
}

async function readInto<V>(
  parser: Parser<V>,
  source: IndexSource,
  options: LoadOptions,
  take: TakePackages<V>,
): Promise<ReadIndex> {
  const start = performance.now();
  const report = options.report ?? (() => {});
  const cacheDir = cacheDirectoryOf(options, 'index');
  const name = nameOf(source);
  const input = openIndex(typeof source === 'string' ? source : chunksOf(source.bytes), {
    name,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    ...(cacheDir === undefined ? {} : { cacheDir }),
    digest: options.digest,
    signal: options.signal,
    note: (message) => report({ kind: 'note', message }),
  });
  let count = 0;
  const pass = (packages: readonly PackageBlock<V>[]): void => {
    count += packages.length;
    take(packages, parser.header.release);
  };
  for await (const chunk of input.chunks) pass(parser.push(chunk));
  pass(parser.end());
  const { sha512, sizeBytes, isFromCache } = input.facts();
  report({ kind: 'index-read', name, sizeBytes, packages: count, isFromCache, durationMs: performance.now() - start });
  const { header, diagnostics } = parser;
  return { header, diagnostics, index: summaryOf(name, header, sha512) };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function summaryOf(name: string, header: IndexHeader, sha512: string): IndexSummary {
  return {
    name,
    release: header.release ?? null,
    arch: header.arch ?? null,
    timestamp: header.setupTimestamp ?? null,
    setupVersion: header.setupVersion ?? null,
    sha512,
  };
}
