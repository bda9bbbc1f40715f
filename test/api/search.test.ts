import { expect, test } from 'vitest';
import { literalPattern, regularExpression } from '../../src/api/search.ts';

const LONG = `${'a'.repeat(50_000)}b`;

test.each(['(a+)+$', '(.*)*(.*)*(.*)*x$', '^(a|a)*$', '(a|aa)+$', '((a?){30}){30}c', '^(([a-z])+.)+[0-9]([a-z])+$'])(
  'the regular expression %s is tested in linear time',
  async (text) => {
    expect((await regularExpression(text)).test(LONG)).toBe(false);
  },
);

test.each([
  ['SSH', 'openssh', true],
  ['^lib.*-devel$', 'libssl-devel', true],
  ['^lib.*-devel$', 'libssl-devel2', false],
  ['(?<name>\\d+)\\.\\d', 'python3.9', true],
  ['\\bC\\+\\+\\b|g\\+\\+', 'the g++ compiler', true],
  ['grö(ß|ss)e', 'GRÖSSE', true],
  ['\\p{Lu}', 'Ä', true],
  ['[[:digit:]]{2}', 'a12', true],
])('%s against %s: %s', async (text, against, matches) => {
  expect((await regularExpression(text)).test(against)).toBe(matches);
});

test.each(['(', '[a', 'a**', '(a)\\1', '(?<n>a)\\k<n>', '(?=a)', '(?!a)', '(?<=a)b', '(?<!a)b', 'a{1001}', '\\'])(
  '%s is refused',
  async (text) => {
    await expect(regularExpression(text)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^not a regular expression of RE2: /) as string,
      hint: expect.stringContaining('no lookahead') as string,
    });
  },
);

test('every character is literal in a text without --regexp', () => {
  expect(literalPattern('g++').test('G++')).toBe(true);
  expect(literalPattern('(a+)+$').test(LONG)).toBe(false);
});
