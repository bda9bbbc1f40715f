import { describe, expect, test } from 'vitest';
import { SNIFF_BYTES, sniffCompression } from '../../src/input/sniff.ts';
import { FIXTURES, TEXT } from './support.ts';

describe('sniffCompression', () => {
  test.each(FIXTURES)('$compression, from two bytes on', ({ compression, bytes }) => {
    const found = Array.from({ length: SNIFF_BYTES + 1 }, (_, size) => sniffCompression(bytes.subarray(0, size)));
    expect(found).toEqual(['none', 'none', ...Array.from({ length: SNIFF_BYTES - 1 }, () => compression)]);
  });

  test('a skippable frame begins zstd data', () => {
    expect(sniffCompression(Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0))).toBe('zst');
    expect(sniffCompression(Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 0, 0))).toBe('zst');
    expect(sniffCompression(Uint8Array.of(0x60, 0x2a, 0x4d, 0x18, 0, 0))).toBe('none');
  });

  test('everything else counts as not compressed', () => {
    for (const text of ['', 'release: cygwin', '# comment', 'BZ!', 'PK\u0003\u0004', '\u007fELF']) {
      expect(sniffCompression(Buffer.from(text))).toBe('none');
    }
    expect(sniffCompression(TEXT)).toBe('none');
  });
});
