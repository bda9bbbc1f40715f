import { expect, test } from 'vitest';
import { sha512FromBase64 } from '../../../src/core/setup-ini/lexicon.ts';
import { compareSetupVersions, sizeOf, timestampOf } from '../../../src/core/setup-ini/parser/numbers.ts';

test.each([
  ['12', 12],
  ['12abc', 12],
  ['', 0],
  ['abc', 0],
  [' \t+7', 7],
  ['-7', -7],
  ['- 7', 0],
  ['2147483647', 2147483647],
  ['2147483648', -2147483648],
  ['4294967296', 0],
  ['4294967301', 5],
  ['9223372036854775807', -1],
  ['9223372036854775808', -1],
  ['99999999999999999999999999999999', -1],
  ['-9223372036854775809', 0],
  [`${'0'.repeat(40)}5`, 5],
])('the size of %j is %d', (text, size) => {
  expect(sizeOf(text)).toBe(size);
});

test.each([
  ['1754175977', 1754175977],
  ['0x10', 16],
  ['0X1F', 31],
  ['010', 8],
  ['08', 0],
  ['0x', 0],
  ['', 0],
  ['12x', 12],
  ['4294967295', 4294967295],
  ['4294967296', 4294967295],
  ['99999999999999999999', 4294967295],
  ['-1', 4294967295],
])('the timestamp %j is %d', (text, timestamp) => {
  expect(timestampOf(text)).toBe(timestamp);
});

test('the order of versions of setup', () => {
  const ordered = ['', '.0', '2', '2.9', '2.94', '2.937', '2.937a', '2.937.1', '2.1000', '3', 'x'];
  const sorted = ['', '.0', 'x', '2', '2.9', '2.94', '2.937', '2.937.1', '2.937a', '2.1000', '3'];
  expect(ordered.toSorted(compareSetupVersions)).toEqual(sorted);
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) expect(compareSetupVersions(a, b), `${a} ${b}`).toBe(Math.sign(i - j));
  }
  expect(compareSetupVersions('2.0937', '2.937')).toBe(0);
});

test('base64url digests', () => {
  expect(sha512FromBase64('A'.repeat(86))).toBe('0'.repeat(128));
  expect(sha512FromBase64('_'.repeat(86))).toBe('f'.repeat(128));
  const digest = Buffer.from(Array.from({ length: 64 }, (_, at) => (at * 37) % 256));
  expect(sha512FromBase64(digest.toString('base64url'))).toBe(digest.toString('hex'));
});
