import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CygstrapError } from '../../../src/errors.ts';
import { parseText, type ParsedIndex } from '../../../src/core/setup-ini/parser/parse.ts';
import { printIndex } from '../../../src/core/setup-ini/print.ts';
import type { PackageRecord, VersionRecord } from '../../../src/core/setup-ini/records.ts';
import { fixtures } from './support.ts';

const OPTIONS = { file: 'setup.ini' };

function withoutLines(records: readonly PackageRecord[]): unknown {
  return records.map((record) => ({
    ...record,
    line: 0,
    versions: record.versions.map((version) => ({ ...version, line: 0 })),
  }));
}

function expectSame(printed: ParsedIndex, original: ParsedIndex): void {
  expect(printed.header).toEqual(original.header);
  expect(withoutLines(printed.records)).toEqual(withoutLines(original.records));
}

const MD5 = '0123456789abcdef0123456789abcdef';
const SHA512 = 'ab'.repeat(64);

/** Text of a sequence of items in any order and with any repeats, which covers all cases of inheritance. */
const label = fc.constantFrom('[curr]', '[prev]', '[test]', '[exp]', '[other/1]');
const word = fc.constantFrom(
  'a',
  'b-src',
  '1.0-1',
  '2.0-1',
  '""',
  `"${MD5}"`,
  '"version:"',
  '"x y"',
  '"\u00e9 \u2014"',
  'install',
);
const archive = fc
  .tuple(word, fc.constantFrom('0', '12', '2147483648', '-5'), fc.constantFrom(MD5, SHA512))
  .map((all) => all.join(' '));
const entry = fc.oneof(
  word,
  fc.constant('_self-destruct'),
  fc
    .tuple(word, fc.constantFrom('=', '<<', '>=', '>'), word)
    .map(([name, op, version]) => `${name} (${op} ${version})`),
);
const commaList = fc.array(entry, { maxLength: 3 }).map((all) => all.join(', '));
const item = fc.oneof(
  { arbitrary: label, weight: 4 },
  { arbitrary: word.map((text) => `version: ${text}`), weight: 4 },
  { arbitrary: archive.map((text) => `install: ${text}`), weight: 3 },
  archive.map((text) => `source: ${text}`),
  word.map((text) => `Source: ${text}`),
  word.map((text) => `sdesc: ${text}`),
  word.map((text) => `ldesc: ${text}`),
  fc.array(word, { maxLength: 3 }).map((all) => `category: ${all.join(' ')}`),
  fc.array(word, { maxLength: 3 }).map((all) => `replace-versions: ${all.join(' ')}`),
  fc.tuple(word, word).map((all) => `message: ${all.join(' ')}`),
  fc
    .tuple(fc.constantFrom('depends2', 'obsoletes', 'provides', 'conflicts', 'build-depends'), commaList)
    .map(([key, list]) => `${key}: ${list}`),
);
const packageText = fc
  .tuple(word, fc.array(item, { maxLength: 14 }))
  .map(([name, items]) => [`@ ${name}`, ...items].map((line) => `${line}\n`).join(''));

describe('printing', () => {
  test.each(fixtures('accept'))('printed text parses to the same records: $name', ({ bytes }) => {
    const original = parseText(bytes, OPTIONS);
    const text = printIndex(original.header, original.records);
    expectSame(parseText(text, OPTIONS), original);
  });

  test('any index', () => {
    fc.assert(
      fc.property(fc.array(packageText, { maxLength: 3 }), (packages) => {
        const original = parseText(packages.join('\n'), OPTIONS);
        const text = printIndex(original.header, original.records);
        const again = parseText(text, OPTIONS);
        expectSame(again, original);
        expect(printIndex(again.header, again.records)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('prints any text without quotes, NUL or unpaired surrogates, and refuses all others', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const record = { ...EMPTY, sdesc: text, categories: [text] };
        if (/["\0\ud800-\udfff]/u.test(text)) {
          expect(() => printIndex({}, [record])).toThrow(CygstrapError);
        } else {
          expect(withoutLines(parseText(printIndex({}, [record]), OPTIONS).records)).toEqual([record]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('has the form and order of the official generator', () => {
    const usual = fixtures('accept').find((fixture) => fixture.name === 'usual');
    const text = new TextDecoder().decode(usual?.bytes);
    const parsed = parseText(text, OPTIONS);
    const official = text.replace(/^#.*\n/, '').replace(/^include-setup:.*\n/m, '');
    expect(printIndex(parsed.header, parsed.records)).toBe(official);
  });
});

const EMPTY: PackageRecord = {
  name: 'p',
  sdesc: '',
  ldesc: '',
  categories: [],
  replaceVersions: [],
  versions: [],
  line: 0,
};
const VERSION: VersionRecord = {
  version: '1-1',
  stability: 'curr',
  section: 'curr',
  install: { path: 'p.tar', sizeBytes: 1, md5: MD5 },
  depends: [],
  obsoletes: [],
  provides: [],
  conflicts: [],
  buildDepends: [],
  line: 0,
};
const { install: ARCHIVE, ...SOURCE_ONLY } = VERSION;
const SOURCE = { packageName: 'p-src', version: '1-1', archive: { path: 'p-src.tar', sizeBytes: 1, md5: MD5 } };

describe('refuses to print', () => {
  const cases: readonly { why: string; record: Partial<PackageRecord> }[] = [
    { why: 'a package without a name', record: { name: '' } },
    { why: 'a quote in a name', record: { name: 'a"b' } },
    { why: 'a duplicate category', record: { categories: ['Base', 'base'] } },
    { why: 'a duplicate replaced version', record: { replaceVersions: ['1', '1'] } },
    { why: 'an empty version', record: { versions: [{ ...VERSION, version: '' }] } },
    { why: 'a malformed label', record: { versions: [{ ...VERSION, section: 'a b', stability: 'other' }] } },
    { why: 'a label of another stability', record: { versions: [{ ...VERSION, section: 'prev' }] } },
    {
      why: 'a size of 2 GiB',
      record: { versions: [{ ...VERSION, install: { path: 'p', sizeBytes: 2 ** 31, md5: MD5 } }] },
    },
    {
      why: 'a size of half a byte',
      record: { versions: [{ ...VERSION, install: { path: 'p', sizeBytes: 0.5, md5: MD5 } }] },
    },
    { why: 'an archive without digest', record: { versions: [{ ...VERSION, install: { path: 'p', sizeBytes: 1 } }] } },
    {
      why: 'a digest in upper case',
      record: { versions: [{ ...VERSION, install: { path: 'p', sizeBytes: 1, md5: MD5.toUpperCase() } }] },
    },
    { why: 'a duplicate entry', record: { versions: [{ ...VERSION, depends: [{ name: 'a' }, { name: 'a' }] }] } },
    { why: 'a criterion without a version', record: { versions: [{ ...VERSION, depends: [{ name: 'a', op: '=' }] }] } },
    {
      why: 'a name that setup replaces',
      record: { versions: [{ ...VERSION, depends: [{ name: '_self-destruct' }] }] },
    },
    {
      why: 'the source of another package',
      record: { versions: [{ ...VERSION, source: { ...SOURCE, packageName: 'q-src' } }] },
    },
    {
      why: 'a source with two digests',
      record: { versions: [{ ...VERSION, source: { ...SOURCE, archive: { ...SOURCE.archive, sha512: SHA512 } } }] },
    },
    {
      why: 'a version that would inherit a source',
      record: { versions: [{ ...SOURCE_ONLY, source: SOURCE }, VERSION] },
    },
    {
      why: 'a version that would inherit a source name',
      record: { versions: [{ ...SOURCE_ONLY, sourceName: 's' }, VERSION] },
    },
  ];

  test.each(cases)('$why', ({ record }) => {
    expect(ARCHIVE).toBeDefined();
    expect(() => printIndex({}, [{ ...EMPTY, ...record }])).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test('a timestamp beyond 32 bits', () => {
    expect(() => printIndex({ setupTimestamp: 2 ** 32 }, [])).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
