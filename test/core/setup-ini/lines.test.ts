import { describe, expect, test } from 'vitest';
import { RowParser, SetupIniParser, type ParsedIndex } from '../../../src/core/setup-ini/parser/parse.ts';
import { SEED } from '../../support/seed.ts';
import { fixtures, parseCut, randomFrom } from './support.ts';

const SHA512 = '0123456789abcdef'.repeat(8);

function packageText(name: string, ...lines: readonly string[]): string {
  return (
    `@ ${name}\n${lines.map((line) => `${line}\n`).join('')}version: 1-1\ninstall: x86_64/release/${name}` +
    `/${name}-1-1.tar.xz 123456 ${SHA512}\n\n`
  );
}

function expectTheSame(text: string, cuts: readonly number[] = []): ParsedIndex {
  const bytes = new TextEncoder().encode(text);
  const fast = parseCut(bytes, cuts);
  const byTokens = parseCut(bytes, cuts, { tokensOnly: true });
  expect(fast.records.length).toBe(byTokens.records.length);
  // One by one: printing a difference of thousands of records takes minutes.
  for (const [i, record] of fast.records.entries()) expect(record).toEqual(byTokens.records[i]);
  expect(fast.diagnostics).toEqual(byTokens.diagnostics);
  return fast;
}

test('an unlimited word length', () => {
  const { records } = parseCut(new TextEncoder().encode(packageText('a', 'depends2: b')), [], {
    limits: { wordBytes: Infinity },
  });
  expect(records[0]?.versions[0]?.depends).toEqual([{ name: 'b' }]);
});

describe('large texts', () => {
  const CHUNK_BYTES = 1 << 20;
  const filler = (bytes: number): string => '\n'.repeat(bytes);

  test.each([0, 1, 7, 60, 200, 400])('statements %i bytes before the end of a chunk', (before) => {
    const long = packageText(
      'a',
      'sdesc: "one"',
      `ldesc: "two\nlines ${'and more '.repeat(20)}"`,
      'category: Base Devel',
      'depends2: b, c (>= 1.0), d',
    );
    const { records } = expectTheSame(filler(CHUNK_BYTES - before) + long + packageText('z'), [CHUNK_BYTES]);
    expect(records.map(({ name }) => name)).toEqual(['a', 'z']);
  });

  test('a description of 2 MB', () => {
    const ldesc = 'many words\n'.repeat(200_000);
    const { records } = expectTheSame(packageText('a', `ldesc: "${ldesc}"`) + packageText('b'));
    expect(records[0]?.ldesc).toBe(ldesc);
  });

  test('a list of 200,000 names', () => {
    const names = Array.from({ length: 200_000 }, (_, i) => `p${i}`);
    const { records } = expectTheSame(packageText('a', `depends2: ${names.join(', ')}`) + packageText('b'));
    expect(records[0]?.versions[0]?.depends.length).toBe(names.length);
  });

  test('20,000 unknown keys before a comment of 1 MiB', () => {
    expectTheSame(`@ a\n${'a:\n'.repeat(20_000)}#${'x'.repeat(1 << 20)}\n\n`);
  });

  test('12,000 packages, every hundredth with unusual spacing', () => {
    const random = randomFrom(SEED);
    const text = Array.from({ length: 12_000 }, (_, i) =>
      packageText(
        `p${i}`,
        'sdesc: "x"',
        i % 100 === 0 ? 'depends2:  b ,c' : `depends2: b, q${random(500)}`,
        'category: Base',
      ),
    ).join('');
    expect(expectTheSame(text).records.length).toBe(12_000);
  });
});

describe('caches of lists', () => {
  test('40,000 different lists, each twice', () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `@ p${i}\ndepends2: a, b${i}\nversion: 1\n`).join('');
    const { records } = expectTheSame(text + text);
    expect(records.at(-1)?.versions[0]?.depends).toEqual([{ name: 'a' }, { name: 'b39999' }]);
  });

  test('2,000 long lists', () => {
    const names = Array.from({ length: 300 }, (_, i) => `lib${i}-devel`).join(', ');
    const text = Array.from(
      { length: 2000 },
      (_, i) => `@ p${i}\ndepends2: ${names}, p${i % 1500}\nversion: 1\nbuild-depends: ${names}, ${names}\n`,
    ).join('');
    expectTheSame(text);
  });

  test('a stricter word limit of another parser applies', () => {
    const text = new TextEncoder().encode(packageText('a', `depends2: ${'n'.repeat(300)}`));
    const strict = new SetupIniParser({ file: 'strict', limits: { wordBytes: 200 } });
    expect(new SetupIniParser({ file: 'any' }).push(text).length).toBe(1);
    expect(() => strict.push(text)).toThrow('strict:2: word or text of more than 200 bytes');
  });

  test('the same words as dependencies, with commas and without, and as categories', () => {
    const { records } = expectTheSame(
      packageText('a', 'category: a', 'requires: a') +
        packageText('b', 'depends2: a', 'category: A a') +
        packageText('c', 'requires: a', 'category: a'),
    );
    expect(records.map(({ categories }) => categories)).toEqual([['a'], ['A'], ['a']]);
  });

  test.each([RowParser, SetupIniParser])('belong to one parser (%o)', (Parser) => {
    const texts = ['b, c', 'c, b', 'b (= 2), c', 'c'].map((list) =>
      packageText('a', 'category: X', `depends2: ${list}`),
    );
    const parsers: InstanceType<typeof Parser>[] = [];
    const listed = ({ versions }: ReturnType<(typeof parsers)[number]['push']>[number]): unknown =>
      ('table' in versions ? versions.table.record(versions.start, 'a') : versions[0])?.depends;
    const read = texts.map((): unknown[] => []);
    // Parsers alternate.
    for (let turn = 0; turn < 2 * texts.length; turn++) {
      if (turn < texts.length) parsers.push(new Parser({ file: `index ${turn}` }));
      for (const [i, parser] of parsers.entries())
        read[i]?.push(...parser.push(new TextEncoder().encode(texts[(i + turn) % texts.length])).map(listed));
    }
    const expected = texts.map((text) => parseCut(new TextEncoder().encode(text), []).records[0]?.versions[0]?.depends);
    expect(read).toEqual(
      texts.map((_, i) =>
        Array.from({ length: 2 * texts.length - i }, (__, turn) => expected[(2 * i + turn) % texts.length]),
      ),
    );
  });
});

test('both paths read 21 copies of each fixture alike', () => {
  for (const { bytes } of fixtures('accept')) {
    const text = Buffer.from(bytes).toString('latin1');
    // Headers are allowed once.
    const packages = text.slice(text.search(/^@ /m));
    const whole = Buffer.from(`${text}\n${`${packages}\n`.repeat(20)}`, 'latin1');
    expect(parseCut(whole, [], { lenient: true })).toEqual(parseCut(whole, [], { lenient: true, tokensOnly: true }));
  }
});
