import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CygstrapError } from '../../../src/errors.ts';
import { DependencyPool } from '../../../src/core/setup-ini/pool.ts';
import { ParseError } from '../../../src/core/setup-ini/diagnostics.ts';
import {
  SetupIniParser,
  parseRecords,
  parseText,
  type ParserOptions,
} from '../../../src/core/setup-ini/parser/parse.ts';
import { fixtures, outcome, parseCut } from './support.ts';

const MD5 = '0123456789abcdef0123456789abcdef';
const MIB = 1024 * 1024;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Pushes one chunk at most `times`; returns the error and the number of accepted chunks. */
function flood(
  start: string,
  chunk: string,
  options: Partial<ParserOptions> & { times: number },
): { error: unknown; pushed: number } {
  const { times, ...rest } = options;
  const parser = new SetupIniParser({ file: 'setup.ini', ...rest });
  const piece = bytes(chunk);
  let pushed = 0;
  try {
    parser.push(bytes(start));
    for (; pushed < times; pushed++) parser.push(piece);
    parser.end();
  } catch (error) {
    return { error, pushed };
  }
  return { error: undefined, pushed };
}

function expectLimit(error: unknown, line: number): void {
  expect(error).toBeInstanceOf(CygstrapError);
  expect(error).toMatchObject({ code: 'limit', details: { file: 'setup.ini', line } });
  expect((error as CygstrapError).message).toMatch(new RegExp(`^setup\\.ini:${line}: `));
}

describe('limits', () => {
  const chunk = 'a'.repeat(64 * 1024);

  test.each([
    { what: 'a word', start: '@ a\nversion: ' },
    { what: 'a quote', start: '@ a\nsdesc: "' },
    { what: 'a label', start: '@ a\n[' },
  ])('$what without end stops at the word limit', ({ start }) => {
    const { error, pushed } = flood(start, chunk, { times: 16 * 1024 });
    expectLimit(error, 2);
    expect(pushed).toBe(256);
  });

  test('a package without end stops at the record limit', () => {
    const limits = { recordBytes: 4 * MIB };
    const { error, pushed } = flood('\n@ a\n', `category: ${'b '.repeat(32 * 1024)}\n`, { times: 16 * 1024, limits });
    expectLimit(error, 2);
    expect(pushed).toBe(63);
  });

  test('an index without end stops at the total', () => {
    const { error } = flood('#', chunk, { times: 1024, limits: { totalBytes: MIB } });
    expectLimit(error, 1);
  });

  test.each([
    { what: 'a comment', start: '#' },
    { what: 'a dropped line', start: 'x-key: ' },
    { what: 'the rest of a bad line', start: '%' },
  ])('$what of 32 MiB is not stored and has no limit', ({ start }) => {
    const { error } = flood(start, chunk.replaceAll('aaaa', 'aaa '), { times: 512, lenient: true });
    expect(error).toBeUndefined();
  });

  test('the same limits with and without the line reader, whole and byte by byte', () => {
    const limits = { wordBytes: 40, recordBytes: 120 };
    const texts = [
      `@ ${'n'.repeat(41)}\n`,
      `@ a\nsdesc: "${'s'.repeat(41)}"\n`,
      `@ a\nversion: 1\ninstall: ${'p'.repeat(41)} 1 ${MD5}\n`,
      `@ a\ndepends2: b, ${'d'.repeat(41)}\n`,
      `@ a\nversion: 1\ninstall: p 1 ${'0f'.repeat(64)}\n`,
      `@ a\n${'category: x\n'.repeat(10)}\n@ b\n`,
      `@ a\n${'category: x\n'.repeat(10)}@ b\n`,
    ];
    const texts2 = [`@ ${'n'.repeat(40)}\n`, `@ a\n${'category: x\n'.repeat(9)}\n${'# comment\n'.repeat(20)}@ b\n`];
    const codes = (text: string): unknown[] => {
      const all = bytes(text);
      return [[], all.keys()].flatMap((cuts) =>
        [false, true].map((tokensOnly) => {
          try {
            parseCut(all, cuts, { limits, tokensOnly });
            return 'fine';
          } catch (error) {
            return error instanceof CygstrapError ? error.message : error;
          }
        }),
      );
    };
    for (const text of texts) expect(codes(text)).toEqual(Array(4).fill(expect.stringContaining('more than')));
    for (const text of texts2) expect(codes(text)).toEqual(Array(4).fill('fine'));
    for (const text of texts) expect(new Set(codes(text)).size, text).toBe(1);
  });

  test('findings beyond the limit are counted only', () => {
    const text = `@ a\n${'bad line\n'.repeat(1000)}`;
    const found = outcome(() => parseText(text, { file: 'setup.ini' })) as ParseError['diagnostics'];
    expect(found).toHaveLength(101);
    expect(found.at(-1)).toMatchObject({ code: 'too-many', severity: 'error', line: 102 });
    expect(() => parseText(text, { file: 'setup.ini' })).toThrow(/\(and 999 more\)$/);
  });
});

describe('streaming', () => {
  test('reads a chunk only after the records of the chunk before are used', async () => {
    let chunksRead = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (; chunksRead < 100; chunksRead++) {
        const packages = Array.from(
          { length: 10 },
          (_, at) => `@ p${chunksRead}-${at}\nversion: 1\ninstall: p 1 ${MD5}\n\n`,
        );
        yield bytes(packages.join(''));
      }
    }
    let seen = 0;
    for await (const record of parseRecords(chunks(), { file: 'setup.ini' })) {
      expect(record.name).toBe(`p${chunksRead}-${seen % 10}`);
      seen++;
    }
    expect(seen).toBe(1000);
  });

  test('retains no rows of completed packages', () => {
    class CountingParser extends SetupIniParser {
      get rowCount(): number {
        return this.table.count;
      }
    }
    const parser = new CountingParser({ file: 'setup.ini' });
    for (let made = 0; made < 1000; made++) {
      expect(parser.push(bytes(`@ p${made}\nversion: 1\ninstall: p 1 ${MD5}\n\n`))).toHaveLength(1);
      expect(parser.rowCount).toBe(0);
    }
  });

  test('the pool of dependencies is emptied after 48 MiB of input or 131,072 names', () => {
    const pool = new DependencyPool();
    const first = pool.named('a');
    expect(pool.trim(48 * MIB - 1)).toBe(false);
    expect(pool.named('a')).toBe(first);
    expect(pool.trim(48 * MIB)).toBe(true);
    expect(pool.named('a')).not.toBe(first);
    for (let made = 0; made < 131_072; made++) pool.named(`p${made}`);
    expect(pool.trim(48 * MIB)).toBe(true);
  });

  test('an early stop closes the source', async () => {
    let isClosed = false;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytes('@ a\n');
      } finally {
        isClosed = true;
      }
    }
    for await (const record of parseRecords(chunks(), { file: 'setup.ini' })) {
      expect(record.name).toBe('a');
      break;
    }
    expect(isClosed).toBe(true);
  });
});

describe('arbitrary bytes', () => {
  const snippet = fc.constantFrom(
    '@ ',
    'version: ',
    'install: ',
    'sdesc: ',
    'depends2: ',
    'requires: ',
    '[prev]',
    '"',
    '\n',
    '\n\n',
    ' ',
    ',',
    '(',
    '>= ',
    '#',
    'a',
    'x-key: ',
    'release: ',
    MD5,
    ':',
    '%',
    '\r',
    '\0',
    '\u00e9',
    'setup-minimum-version: ',
    'a.tar 12 ',
    'Source: ',
    'message: ',
  );
  const soup = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(snippet, { maxLength: 60 }).map((all) => bytes(all.join(''))),
    fc.array(snippet, { maxLength: 60 }).map((all) => bytes(`@ a\n${all.join('')}`)),
  );

  test('give records or findings with line and column, in any chunks', () => {
    fc.assert(
      fc.property(soup, fc.array(fc.nat(200), { maxLength: 5 }), (index, cuts) => {
        const sorted = cuts.map((cut) => Math.min(cut, index.length)).toSorted((a, b) => a - b);
        for (const lenient of [false, true]) {
          const whole = outcome(() => parseCut(index, [], { lenient }));
          expect(outcome(() => parseCut(index, sorted, { lenient, tokensOnly: true }))).toEqual(whole);
          expect(outcome(() => parseCut(index, index.keys(), { lenient }))).toEqual(whole);
          const found = 'header' in whole ? whole.diagnostics : whole;
          for (const { line, column, message } of found) {
            expect(line).toBeGreaterThan(0);
            expect(column).toBeGreaterThan(0);
            expect(message).not.toBe('');
          }
          if (!('header' in whole)) expect(found.some((one) => one.severity === 'error')).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('a fixture with any byte changed', () => {
    const usual = fixtures('accept').filter(
      ({ name }) => name === 'usual' || name === 'criteria' || name === 'wrapped-lists',
    );
    fc.assert(
      fc.property(fc.constantFrom(...usual), fc.nat(), fc.nat(255), ({ bytes: original }, at, byte) => {
        const changed = original.slice();
        changed[at % changed.length] = byte;
        const whole = outcome(() => parseCut(changed, []));
        expect(outcome(() => parseCut(changed, [], { tokensOnly: true }))).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the parser', () => {
  test('accepts an empty index', () => {
    expect(parseText(new Uint8Array(0), { file: 'setup.ini' })).toEqual({ header: {}, records: [], diagnostics: [] });
  });

  test('returns records as soon as they are complete', () => {
    const parser = new SetupIniParser({ file: 'setup.ini' });
    expect(parser.push(bytes('release: x\n\n@ a\nversion: 1\n'))).toEqual([]);
    expect(parser.header).toEqual({ release: 'x' });
    expect(parser.push(bytes('\n')).map((record) => record.name)).toEqual(['a']);
    expect(parser.push(bytes('@ b\n@ c\n')).map((record) => record.name)).toEqual(['b']);
    expect(parser.end().map((record) => record.name)).toEqual(['c']);
  });

  test('returns no records after an error, and throws at the end', () => {
    const parser = new SetupIniParser({ file: 'setup.ini' });
    expect(parser.push(bytes('@ a\n@ b\n'))).toHaveLength(1);
    expect(parser.push(bytes('bad\n@ c\n@ d\n'))).toEqual([]);
    expect(() => parser.end()).toThrow(ParseError);
    expect(parser.diagnostics).toMatchObject([{ severity: 'error', code: 'bad-line', line: 3, column: 1 }]);
  });

  test('lenient: skips invalid lines and keeps the rest', () => {
    const text =
      `@ a\nversion: 1-1\ninstall: a 1 ${MD5}\ndepends2: b c\nsdesc: "kept"\n\nstray\nversion: 2\n@ b c\n` +
      'version: 3\n@ d\n';
    const { records, diagnostics } = parseText(text, { file: 'setup.ini', lenient: true });
    expect(records.map((record) => record.name)).toEqual(['a', 'd']);
    expect(records[0]).toMatchObject({ sdesc: 'kept', versions: [{ version: '1-1', depends: [] }] });
    expect(diagnostics.map((one) => `${one.severity} ${one.line}`)).toEqual(['warning 4', 'warning 7', 'warning 9']);
  });

  test('lenient: continues after the line of an unterminated quote', () => {
    const text = '@ a\nsdesc: "x\nversion: 1-1\n\n@ b\n';
    const { records } = parseText(text, { file: 'setup.ini', lenient: true });
    expect(records.map((record) => [record.name, record.versions.length])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  test('follows the given release of setup', () => {
    const text = 'setup-minimum-version: 2.950\n';
    expect(() => parseText(text, { file: 'setup.ini' })).toThrow('setup.ini:1:24: index requires setup `2.950`');
    expect(parseText(text, { file: 'setup.ini', ourSetupVersion: '2.951' }).diagnostics).toEqual([]);
  });

  test('escapes control characters of the index in messages', () => {
    expect(() => parseText('@ a "\u001b[2J"\n', { file: 'setup.ini' })).toThrow('found `\\u{1b}[2J`');
  });
});
