import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ParseError, type Diagnostic } from '../../../src/core/setup-ini/diagnostics.ts';
import { SetupIniParser, type ParsedIndex, type ParserOptions } from '../../../src/core/setup-ini/parser/parse.ts';
import type { Archive, Dependency, PackageRecord, VersionRecord } from '../../../src/core/setup-ini/records.ts';

export const FIXTURES = fileURLToPath(new URL('../../../fixtures/setup-ini/', import.meta.url));
export const SHARED = fileURLToPath(new URL('../../../../shared/', import.meta.url));

export interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

export function fixtures(kind: 'accept' | 'refuse'): Fixture[] {
  return readdirSync(FIXTURES + kind)
    .filter((file) => file.endsWith('.ini'))
    .toSorted()
    .map((file) => {
      const path = `${FIXTURES}${kind}/${file}`;
      return { name: file.slice(0, -'.ini'.length), path, bytes: readFileSync(path) };
    });
}

/** Parses with chunks that end at `cuts`. */
export function parseCut(bytes: Uint8Array, cuts: Iterable<number>, options: Partial<ParserOptions> = {}): ParsedIndex {
  const parser = new SetupIniParser({ file: 'setup.ini', ...options });
  const records: PackageRecord[] = [];
  let from = 0;
  for (const to of cuts) {
    records.push(...parser.push(bytes.slice(from, to)));
    from = to;
  }
  records.push(...parser.push(bytes.slice(from)), ...parser.end());
  return { header: parser.header, records, diagnostics: parser.diagnostics };
}

/** Returns the result of a strict parse: the index, or the findings of the ParseError. */
export function outcome(parse: () => ParsedIndex): ParsedIndex | readonly Diagnostic[] {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ParseError) return error.diagnostics;
    throw error;
  }
}

/** Returns a seeded generator of integers below `bound` (mulberry32). */
export function randomFrom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

export function randomCuts(length: number, random: (bound: number) => number): number[] {
  const count = 1 + random(8);
  return Array.from({ length: count }, () => random(length + 1)).toSorted((a, b) => a - b);
}

export function dependencyText({ name, op, version }: Dependency): string {
  return op === undefined ? name : `${name} ${op} ${version}`;
}

function archiveText({ path, sizeBytes, md5, sha512 }: Archive): string {
  const digests = [md5 === undefined ? [] : [`md5:${md5}`], sha512 === undefined ? [] : [`sha512:${sha512}`]].flat();
  return [path, sizeBytes, ...digests].join(' ');
}

/** All fields of the version, also those that are added later, except the empty ones. */
function versionRow({ version, line, section, stability, install, source, ...fields }: VersionRecord): object {
  const { sourceName, depends, obsoletes, provides, conflicts, buildDepends, ...others } = fields;
  const lists = { depends, obsoletes, provides, conflicts, buildDepends };
  return {
    version,
    line,
    section,
    ...(stability !== section && { stability }),
    ...(install !== undefined && { install: archiveText(install) }),
    ...(source !== undefined && {
      source: `${source.packageName} ${source.version || '(none)'}: ${archiveText(source.archive)}`,
    }),
    ...withoutEmpty({ sourceName }),
    ...withoutEmpty(Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list.map(dependencyText)]))),
    ...withoutEmpty(others),
  };
}

/** All fields of the record, also those that are added later, except the empty ones. */
function packageRow({ name, line, ...fields }: PackageRecord): object {
  return { package: name, line, ...withoutEmpty({ ...fields, versions: undefined }) };
}

function withoutEmpty(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]: [string, unknown]) => value !== undefined && value !== '' && !isEmpty(value),
    ),
  );
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Returns one JSON row for the headers, each package, each version and each warning, without empty fields. */
export function rows({ header, records, diagnostics }: ParsedIndex): string {
  const all = [
    { header },
    ...records.flatMap((record) => [packageRow(record), ...record.versions.map(versionRow)]),
    ...diagnostics.map((one) => ({ [one.severity]: `${one.line}:${one.column}: ${one.code}: ${one.message}` })),
  ];
  return all.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Returns one finding per line, as `line:column: message`. */
export function findings(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((one) => `${one.line}:${one.column}: ${one.message}\n`).join('');
}
