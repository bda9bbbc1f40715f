import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ageWarning, readHead, timeText } from '../../src/site/index-head.ts';

const NONE = { release: null, arch: null, timestamp: null };

describe('the header of an index', () => {
  test.each(['zst', 'xz', 'bz2', 'ini'])('is read from .%s', async (form) => {
    const bytes = readFileSync(`fixtures/release/x86_64/setup.${form}`);
    expect(await readHead(bytes, undefined)).toEqual({ release: 'cygstrap', arch: 'x86_64', timestamp: 1_735_689_600 });
    const damaged = form === 'ini' ? Buffer.from('no index') : bytes.subarray(0, 40);
    expect(await readHead(damaged, undefined)).toEqual(NONE);
  });

  test.each([
    ['', NONE],
    ['release: a\n', { ...NONE, release: 'a' }],
    ['setup-timestamp: 5\n\n@ a\nsdesc: "a"\n\nsetup-timestamp: 7\n', { ...NONE, timestamp: 5 }],
    ['setup-timestamp: 5\nsetup-timestamp: 7\n', { ...NONE, timestamp: 7 }],
    ['nonsense\nsetup-timestamp: 5\n', NONE],
  ])('%j', async (text, head) => {
    expect(await readHead(Buffer.from(text), undefined)).toEqual(head);
  });

  test('an aborted call rejects with the reason', async () => {
    const bytes = readFileSync('fixtures/release/x86_64/setup.xz');
    await expect(readHead(bytes, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

test('times, also those that no date can hold', () => {
  expect(timeText(0)).toBe('1970-01-01 00:00:00 UTC');
  expect(timeText(1_700_000_000)).toBe('2023-11-14 22:13:20 UTC');
  expect(timeText(Number.MAX_SAFE_INTEGER)).toBe('9007199254740991 seconds after 1970');
});

test('the age in whole days', () => {
  const at = (days: number) =>
    ageWarning('https://a/x', { ...NONE, timestamp: 1_700_000_000 }, new Date((1_700_000_000 + days * 86_400) * 1000));
  expect(at(60.9)).toBeUndefined();
  expect(at(61)).toContain('`https://a/x` is 61 days old, from 2023-11-14 22:13:20 UTC');
  expect(ageWarning('https://a/x', NONE, new Date())).toBeUndefined();
});
