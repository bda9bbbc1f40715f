import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openIndex } from '../../src/input/open-index.ts';
import { collect, tempDir } from './support.ts';

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const SKIPPED = existsSync(DATA) ? '' : ' (skipped: no real data beside the checkout)';

describe.skipIf(SKIPPED !== '')(`real indexes${SKIPPED}`, () => {
  test.each(['ini', 'bz2', 'xz', 'zst'])('the signed setup.%s', async (ending) => {
    const input = openIndex(`${DATA}signed/setup.${ending}`);
    const text = await collect(input.chunks);
    expect(text.equals(readFileSync(`${DATA}signed/setup.ini`))).toBe(true);
    expect(input.facts().compression).toBe(ending === 'ini' ? 'none' : ending);
  });

  test('the index of 2025, decoded and from the cache', async () => {
    const cacheDir = tempDir();
    for (const isFromCache of [false, true]) {
      const input = openIndex(`${DATA}setup-ini/2025-08-02_x86_64_setup.xz`, { cacheDir });
      const text = await collect(input.chunks);
      expect(input.facts()).toMatchObject({
        compression: 'xz',
        sizeBytes: 3_440_448,
        textBytes: 18_698_557,
        isFromCache,
      });
      expect(createHash('sha256').update(text).digest('hex')).toBe(
        'd450688da4e6bf90230c235f8eddc260a5f9cd54f6577af74acbb3f873b969e4',
      );
    }
  });
});
