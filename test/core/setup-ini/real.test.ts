import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ParseError } from '../../../src/core/setup-ini/diagnostics.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import type { Dependency, PackageRecord, VersionRecord } from '../../../src/core/setup-ini/records.ts';
import { SHARED, dependencyText, outcome, parseCut } from './support.ts';

const INDEXES = `${SHARED}data/setup-ini/`;
const ORACLE = `${SHARED}oracle/parse/`;
const SKIPPED = existsSync(ORACLE) ? '' : ' (skipped: no real data beside the checkout)';

function unpack(path: string): Buffer {
  return path.endsWith('.xz')
    ? execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'inherit'] })
    : readFileSync(path);
}

/** Counts of data/README.md: `@` entries, `version:` lines, versions with a binary archive, [prev] and [test] labels.
 */
const WHOLE = [
  { name: '2009-12-29_x86', counts: [1715, 2530, 2436, 919, 11] },
  { name: '2011-09-04_x86', counts: [1884, 3069, 2955, 1194, 11] },
  { name: '2013-08-05_x86', counts: [3073, 4791, 4653, 1717, 11] },
  { name: '2014-10-15_x86_64', counts: [4062, 5526, 5523, 1437, 27] },
  { name: '2025-08-02_x86_64', counts: [11882, 27927, 27730, 15732, 341] },
].map((index) => ({ ...index, file: `${index.name}_setup.xz`, oracle: `${index.name}.tsv.xz` }));

const CALM = ['2018-07-06_da6c0e', '2020-05-31_4a350c', '2026-06-16_831d60'].map((name) => ({
  name: `calm-expected_${name}`,
  file: `calm-expected_${name}.ini`,
  oracle: `calm-expected_${name}.tsv.xz`,
}));

function list(dependencies: readonly Dependency[]): string {
  return dependencies.map(dependencyText).join(', ');
}

/** Returns the row of the oracle, which lists the package itself as the last provided name. */
function oracleRow(name: string, version: VersionRecord): string {
  const { install } = version;
  const self = { name, op: '=', version: version.version } as const;
  const digest = install?.sha512 === undefined ? `md5:${install?.md5}` : `sha512:${install.sha512}`;
  return [
    name,
    version.version,
    version.stability,
    install?.path,
    install?.sizeBytes,
    digest,
    list(version.depends),
    list(version.obsoletes),
    list([...version.provides, self]),
    list(version.conflicts),
  ].join('\t');
}

/** Returns one row for each name and version: a later record replaces an earlier one. */
function oracleRows(records: readonly PackageRecord[]): string[] {
  const rowsByVersion = new Map<string, string>();
  for (const { name, versions } of records) {
    for (const version of versions) {
      if (version.install !== undefined) rowsByVersion.set(`${name}\t${version.version}`, oracleRow(name, version));
    }
  }
  return [...rowsByVersion.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

describe.skipIf(SKIPPED !== '')(`real indexes${SKIPPED}`, () => {
  test.each(WHOLE)('$name has the counts of its README', ({ file, counts }) => {
    const { records, diagnostics } = parseText(unpack(INDEXES + file), { file });
    const versions = records.flatMap((record) => record.versions);
    const inSection = (section: string): number => versions.filter((one) => one.section === section).length;
    const installable = versions.filter((version) => version.install !== undefined);
    expect([records.length, versions.length, installable.length, inSection('prev'), inSection('test')]).toEqual(counts);
    expect(diagnostics).toEqual([]);
  });

  test.each([...WHOLE, ...CALM])('$name gives the same versions as setup', ({ file, oracle }) => {
    const { records } = parseText(unpack(INDEXES + file), { file });
    const expected = unpack(ORACLE + oracle)
      .toString()
      .replace(/\n$/, '')
      .split('\n');
    expect(oracleRows(records)).toEqual(expected);
  });

  test.each([...WHOLE, ...CALM])(
    '$name gives the same records without the line reader, in chunks of 30,011 bytes',
    ({ file }) => {
      const bytes = unpack(INDEXES + file);
      const cuts = Array.from({ length: Math.floor(bytes.length / 30_011) }, (_, at) => (at + 1) * 30_011);
      const whole = parseText(bytes, { file });
      const cut = parseCut(bytes, cuts, { file, tokensOnly: true });
      expect(JSON.stringify(cut.records) === JSON.stringify(whole.records)).toBe(true);
      expect(cut.header).toEqual(whole.header);
      expect(cut.diagnostics).toEqual(whole.diagnostics);
    },
  );

  test('the invalid test file of pmcyg is refused, as by setup', () => {
    const file = 'pmcyg_setup-awkward.ini';
    const found = outcome(() => parseText(unpack(INDEXES + file), { file }));
    expect(found).toBeInstanceOf(Array);
    expect(() => parseText(unpack(INDEXES + file), { file })).toThrow(ParseError);
  });
});
