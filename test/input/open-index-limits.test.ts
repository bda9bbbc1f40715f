import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEFAULT_INPUT_LIMITS, openIndex } from '../../src/input/open-index.ts';
import { compressWith, cut, failure, hasTool, repeat, TEXT } from './support.ts';

/** Yields one chunk, then another one endlessly. */
async function* endless(first: Uint8Array, then: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  for (;;) yield then;
}

describe('3 GB of text in a small file is refused at the limit', () => {
  const limits = { maxTextBytes: 8 * 1024 * 1024 };
  const zeros = Buffer.alloc(8 * 1024 * 1024);
  const count = 384;

  test('gz', async () => {
    expect(await failure(openIndex(cut(repeat(gzipSync(zeros), count), 65_536), { limits }))).toMatchObject({
      code: 'limit',
    });
  });

  test.skipIf(!hasTool('xz'))('xz (skipped without)', async () => {
    const bytes = repeat(compressWith('xz', ['-0', '-c'], zeros), count);
    expect(await failure(openIndex(cut(bytes, 65_536), { limits }))).toMatchObject({ code: 'limit' });
  });

  test('bz2', async () => {
    // 45,899,235 zeros, the most that one block holds.
    const block = Buffer.from('QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXF3JFOFCQDgni3w==', 'base64');
    const error = await failure(openIndex(cut(repeat(block, 70), 65_536), { limits }));
    expect(error).toMatchObject({ code: 'limit' });
  });

  test.each(['28b52ffd0088', '28b52ffd8088000000c0'])('zst with the header %s', async (header) => {
    const block = Buffer.from([(131_072 << 3) & 0xff, (131_072 >> 5) & 0xff, (131_072 >> 13) & 0xff, 0]);
    block[0] = (block[0] as number) | 2;
    const last = Buffer.from(block);
    last[0] = (last[0] as number) | 1;
    const bytes = Buffer.concat([Buffer.from(header, 'hex'), repeat(block, 24_576), last]);
    expect(await failure(openIndex(cut(bytes, 65_536), { limits }))).toMatchObject({ code: 'limit' });
  });

  test('an endless compressed index', async () => {
    const error = await failure(openIndex(endless(Buffer.from('1f8b08', 'hex'), zeros)));
    expect(error).toMatchObject({
      code: 'limit',
      message: `\`index\` (gz) is too large: more than ${DEFAULT_INPUT_LIMITS.maxCompressedBytes} compressed bytes`,
    });
  });

  test('an endless plain text', async () => {
    expect(await failure(openIndex(endless(TEXT, TEXT), { limits }))).toMatchObject({
      code: 'limit',
      message: '`index` is too large: more than 8388608 bytes of text',
    });
  });
});
