import { join } from 'node:path';
import { CatalogBuilder } from '../core/catalog/catalog.ts';
import type { Catalog } from '../core/catalog/catalog.ts';
import type { Report } from '../events.ts';
import { openIndex } from '../input/open-index.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { Diagnostic } from '../core/setup-ini/diagnostics.ts';
import { RowParser, SetupIniParser } from '../core/setup-ini/parser/parse.ts';
import type { Parser, ParserOptions } from '../core/setup-ini/parser/parse.ts';
import type { IndexHeader, PackageBlock, PackageRecord, VersionRecord } from '../core/setup-ini/records.ts';
import type { PackageRows } from '../core/setup-ini/version-table.ts';

/** An index to read: a path, `-` for stdin, or bytes that are there already, with a name for messages. */
export type IndexSource = string | { readonly name: string; readonly bytes: Uint8Array };

/** Takes the records of an index as they come; `index` counts from 0. */
export type TakeRecords = (records: readonly PackageRecord[], index: number) => void;

export interface LoadOptions {
  /** What `-` reads; by default the standard input of this process. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Whether what setup would refuse is left out with a warning, instead of refusing the index. */
  readonly lenient?: boolean;
  /** Whether unpacked indexes are kept for the next time, below the cache directory that `env` names. */
  readonly cache?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the summaries are to have a digest, which costs a twentieth of a command; by default they are. */
  readonly digest?: boolean;
  readonly report?: Report;
  /** Stops reading when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** A catalog and the indexes it was made from, in the order given. */
export interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly indexes: readonly IndexSummary[];
}

/** Reads one index, or several one after another, and merges them, parsing while the next bytes are decompressed.
 *  `take` gets the records too. Throws InputError for bytes that cannot be had and ParseError for a text that setup
 *  would refuse. */
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

/** What is known of an index once it has been read. */
export interface ReadIndex {
  readonly header: IndexHeader;
  readonly diagnostics: readonly Diagnostic[];
  readonly index: IndexSummary;
}

/** Reads one index and hands its records out as they come, each time with the `release:` label. Throws like {@link
 *  loadCatalog}. */
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
  const env = options.env ?? {};
  const name = nameOf(source);
  const input = openIndex(typeof source === 'string' ? source : chunksOf(source.bytes), {
    name,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    ...(options.cache === true ? { cacheDir: join(userCacheDirectory(env), 'index') } : {}),
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
