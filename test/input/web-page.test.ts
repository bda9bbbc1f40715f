import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openIndex } from '../../src/input/open-index.ts';
import { isWebPage } from '../../src/input/web-page.ts';
import { compressWith, cut, failure, SOURCES } from './support.ts';

const PAGE = Buffer.from('<!DOCTYPE html>\n<html><title>Log in</title></html>\n');

describe.each([
  ['plain', PAGE],
  ['zst', compressWith('zstd', ['-c'], PAGE)],
  ['xz', compressWith('xz', ['-c'], PAGE)],
  ['bz2', compressWith('bzip2', ['-c'], PAGE)],
  ['gz', gzipSync(PAGE)],
])('a web page, %s', (_compression, bytes) => {
  test('is one', async () => {
    expect(await isWebPage(bytes)).toBe(true);
  });

  test('is no index', async () => {
    expect(await failure(openIndex(cut(bytes, 7), { name: 'setup' }))).toMatchObject({
      code: 'corrupt',
      message: '`setup` is a web page, not an index',
      hint: expect.stringContaining('login page') as string,
    });
  });
});

test.each(SOURCES)('an index is no web page, whole or truncated: $compression', async ({ bytes }) => {
  expect(await isWebPage(bytes)).toBe(false);
  expect(await isWebPage(bytes.subarray(0, 100))).toBe(false);
});

test.each(['{}\n', '{\n  "schema": 1\n}\n', '\ufeff {"schema":1}'])('a JSON file is no index: %j', async (text) => {
  expect(await isWebPage(Buffer.from(text))).toBe(false);
  for (const bytes of [Buffer.from(text), gzipSync(text)])
    expect(await failure(openIndex(cut(bytes, 9), { name: 'x.lock.json' }))).toMatchObject({
      code: 'corrupt',
      message: '`x.lock.json` is a JSON file, not an index',
    });
});
