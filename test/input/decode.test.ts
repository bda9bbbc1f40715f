import { gzipSync } from 'node:zlib';
import { assert, asyncProperty, integer, nat, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from '../../src/input/decode.ts';
import { DecodeFault } from '../../src/input/input-error.ts';
import type { Compression } from '../../src/input/sniff.ts';
import { SEED } from '../support/seed.ts';
import { collect, compressWith, failureOf, fixture, FIXTURES, hasTool, packBits, TEXT } from './support.ts';

const MAX_TEXT_BYTES = 64 * 1024 * 1024;

async function decoded(compression: Compression, bytes: Uint8Array): Promise<Buffer> {
  return collect(decode(compression, bytes, MAX_TEXT_BYTES));
}

/** Returns the text or the code of the fault. Throws other errors. */
async function outcome(compression: Compression, bytes: Uint8Array): Promise<Buffer | string> {
  try {
    return await decoded(compression, bytes);
  } catch (error) {
    if (error instanceof DecodeFault) return error.code;
    throw error;
  }
}

/** Returns forty consecutive sizes around one. */
function near(size: number): number[] {
  return Array.from({ length: 40 }, (_, index) => size - 20 + index);
}

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

describe.each(FIXTURES)('$compression', ({ compression, bytes }) => {
  test('decodes to the text', async () => {
    expect((await decoded(compression, bytes)).equals(TEXT)).toBe(true);
  });

  test('both of two in one file are decoded', async () => {
    const twice = await decoded(compression, Buffer.concat([bytes, bytes]));
    expect(twice.equals(Buffer.concat([TEXT, TEXT]))).toBe(true);
  });

  test('truncated data is refused, wherever it ends', async () => {
    const middle = Array.from({ length: 60 }, (_, index) => Math.floor((bytes.length * (index + 1)) / 61));
    const sizes = [...near(20), ...middle, ...near(bytes.length - 20)].filter(
      (size) => size > 0 && size < bytes.length,
    );
    for (const size of sizes)
      expect([size, await outcome(compression, bytes.subarray(0, size))]).toEqual([size, 'corrupt']);
  });

  test('a truncated second one is refused', async () => {
    for (const size of [1, 2, 3, 4, 5, 9, 12, 100, bytes.length - 1]) {
      const cut = Buffer.concat([bytes, bytes.subarray(0, size)]);
      expect([size, await outcome(compression, cut)]).toEqual([size, 'corrupt']);
    }
  });

  test.each(['garbage', '\n', '\0', '\0\0garbage', '\0\0\0', '\u001f', '('])(
    '%j after the end is refused',
    async (rest) => {
      expect(await outcome(compression, Buffer.concat([bytes, Buffer.from(rest, 'latin1')]))).toBe('corrupt');
    },
  );

  test('a flipped bit is refused, unless the text is the same', async () => {
    await assert(
      asyncProperty(nat(bytes.length * 8 - 1), async (bit) => {
        const found = await outcome(compression, flipped(bytes, bit));
        expect(typeof found === 'string' || found.equals(TEXT)).toBe(true);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test('a flipped bit in the first and last bytes is refused, unless the text is the same', async () => {
    const bits = Array.from({ length: 16 * 8 }, (_, bit) => [bit, bytes.length * 8 - 1 - bit]).flat();
    for (const bit of bits) {
      const found = await outcome(compression, flipped(bytes, bit));
      expect([bit, typeof found === 'string' || found.equals(TEXT)]).toEqual([bit, true]);
    }
  });

  test('a flipped bit in the checksum at the end is refused', async () => {
    // The last byte may be padding.
    for (let bit = (bytes.length - 5) * 8; bit < (bytes.length - 1) * 8; bit += 1) {
      expect([bit, await outcome(compression, flipped(bytes, bit))]).toEqual([bit, 'corrupt']);
    }
  });

  test('random bytes after a valid beginning are refused', async () => {
    await assert(
      asyncProperty(uint8Array({ minLength: 12, maxLength: 400 }), integer({ min: 4, max: 60 }), async (rest, kept) => {
        expect(typeof (await outcome(compression, Buffer.concat([bytes.subarray(0, kept), rest])))).toBe('string');
      }),
      { seed: SEED, numRuns: 100 },
    );
  });
});

describe('zst', () => {
  test('skippable frames are skipped at every position', async () => {
    const skippable = Buffer.from('502a4d180400000061626364', 'hex');
    const bytes = Buffer.concat([skippable, fixture('records.zst'), skippable, fixture('records.zst'), skippable]);
    expect((await decoded('zst', bytes)).length).toBe(TEXT.length * 2);
    expect(await outcome('zst', bytes.subarray(0, -1))).toBe('corrupt');
  });

  test('a frame without a size', async () => {
    expect((await decoded('zst', fixture('records-no-size.zst'))).equals(TEXT)).toBe(true);
  });

  test('an empty frame is an empty text', async () => {
    expect(await decoded('zst', Buffer.from('28b52ffd2000010000', 'hex'))).toEqual(Buffer.alloc(0));
    expect(await decoded('zst', Buffer.from('28b52ffd0000010000', 'hex'))).toEqual(Buffer.alloc(0));
  });

  test('a size larger than the blocks can hold is refused before memory is allocated', async () => {
    // A single segment with a size of 3 GB and one raw block of one byte.
    expect(await outcome('zst', Buffer.from('28b52ffda0005ed0b209000061', 'hex'))).toBe('corrupt');
  });

  test('a frame that needs a dictionary is refused', async () => {
    expect(await outcome('zst', Buffer.from('28b52ffd21070109000061', 'hex'))).toBe('corrupt');
  });

  test.skipIf(!hasTool('zstd'))('a window of 32 MiB (skipped without `zstd`)', async () => {
    const text = Buffer.concat(Array.from({ length: 150 }, () => TEXT));
    const bytes = compressWith('zstd', ['-1', '--long=25', '-c'], text);
    expect((await decoded('zst', bytes)).equals(text)).toBe(true);
    expect(await outcome('zst', bytes.subarray(0, -1))).toBe('corrupt');
  });
});

describe('xz', () => {
  test.skipIf(!hasTool('xz')).each(['none', 'crc32', 'crc64', 'sha256'])(
    'check %s, compressed by `xz` (skipped without)',
    async (check) => {
      expect((await decoded('xz', compressWith('xz', [`--check=${check}`, '-c'], TEXT))).equals(TEXT)).toBe(true);
    },
  );

  test.skipIf(!hasTool('xz')).each([
    ['many blocks', ['--block-size=5000']],
    ['a dictionary of 64 MiB', ['-9e']],
    ['4 literal position bits', ['--lzma2=lc=0,lp=4']],
    ['the filter for x86', ['--x86', '--lzma2']],
    ['the filter for differences', ['--delta', '--lzma2']],
  ])('%s, compressed by `xz` (skipped without)', async (_, args) => {
    expect((await decoded('xz', compressWith('xz', ['-c', ...args], TEXT))).equals(TEXT)).toBe(true);
  });

  test('a check of an unknown kind is refused', async () => {
    const bytes = Buffer.from(fixture('records.xz'));
    // Kind 5 has the size of CRC-64, which is kind 4, and is unassigned. It is in the first 12 bytes and in the last
    // 12.
    const footer = bytes.length - 12;
    expect([bytes[7], bytes[footer + 9]]).toEqual([4, 4]);
    bytes[7] = 5;
    bytes[footer + 9] = 5;
    bytes.writeUInt32LE(crc32(bytes.subarray(6, 8)), 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(footer + 4, footer + 10)), footer);
    expect(await outcome('xz', bytes)).toBe('corrupt');
  });

  test('padding between streams and at the end is allowed, four bytes at a time', async () => {
    const bytes = fixture('records.xz');
    expect((await decoded('xz', Buffer.concat([bytes, Buffer.alloc(4), bytes, Buffer.alloc(8)]))).length).toBe(
      TEXT.length * 2,
    );
    expect(await outcome('xz', Buffer.concat([bytes, Buffer.alloc(2), bytes]))).toBe('corrupt');
  });

  test('a dictionary larger than the memory limit is refused', async () => {
    const bytes = Buffer.from(fixture('records.xz'));
    // The block header at 12: its size, flags, filter 0x21, size of properties, dictionary size.
    expect(bytes.subarray(14, 16)).toEqual(Buffer.of(0x21, 1));
    bytes[16] = 38; // 2 GiB
    bytes.writeUInt32LE(crc32(bytes.subarray(12, 20)), 20);
    expect(await outcome('xz', bytes)).toBe('limit');
  });

  test('two decoders run at the same time', async () => {
    const both = await Promise.all([decoded('xz', fixture('records.xz')), decoded('xz', fixture('records.xz'))]);
    expect(both.map((text) => text.equals(TEXT))).toEqual([true, true]);
  });
});

describe('bz2', () => {
  const header: [number, number][] = [
    [0x42_5a_68, 24],
    [0x39, 8],
  ];
  const end: [number | bigint, number][] = [
    [0x17_72_45_38_50_90n, 48],
    [0, 32],
  ];
  /** A block up to its symbols: one byte used (`a`), two codes, one selector, lengths 1, 2, 2 for run a, run b and the
   *  end. */
  const blockStart: [number | bigint, number][] = [
    [0x31_41_59_26_53_59n, 48],
    [0, 32],
    [0, 1],
    [0, 24],
    [0x02_00, 16],
    [0x40_00, 16],
    [2, 3],
    [1, 15],
    [0, 1],
    [1, 5],
    [0, 1],
    [0b1_00, 3],
    [0, 1],
    [1, 5],
    [0, 1],
    [0b1_00, 3],
    [0, 1],
  ];

  test('a stream without blocks is an empty text', async () => {
    expect(await decoded('bz2', packBits([...header, ...end]))).toEqual(Buffer.alloc(0));
  });

  test.each([20, 31, 32, 33, 49])('a run of %i digits, past its block and past 32 bits, is refused', async (digits) => {
    const run = Array.from({ length: digits }, (): [number, number] => [0, 1]);
    expect(await outcome('bz2', packBits([...header, ...blockStart, ...run, [3, 2], ...end]))).toBe('corrupt');
  });

  test('an empty block is refused', async () => {
    expect(await outcome('bz2', packBits([...header, ...blockStart, [3, 2], ...end]))).toBe('corrupt');
  });

  test('a code with too many symbols is refused', async () => {
    const lengths: [number, number][] = [
      [1, 5],
      [0, 1],
      [0, 1],
      [0, 1],
    ];
    expect(
      await outcome('bz2', packBits([...header, ...blockStart.slice(0, -8), ...lengths, ...lengths, [0, 64]])),
    ).toBe('corrupt');
  });

  const runs = Buffer.from(
    Array.from({ length: 600 }, (_, at) => String.fromCodePoint(97 + (at % 26)).repeat(at)).join(''),
  );
  test.skipIf(!hasTool('bzip2')).each([
    { what: 'one byte', text: Buffer.from('a') },
    { what: 'runs of 0 to 600', text: runs },
    { what: 'a million zeros', text: Buffer.alloc(1_000_000) },
    { what: 'every byte', text: Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * at * 31) & 0xff)) },
  ])('$what, compressed by `bzip2` (skipped without)', async ({ text }) => {
    for (const level of ['-1', '-9'])
      expect((await decoded('bz2', compressWith('bzip2', [level, '-c'], text))).equals(text)).toBe(true);
  });
});

describe('gz', () => {
  test('a zero byte between two members is refused', async () => {
    const bytes = Buffer.concat([gzipSync('a'), Buffer.alloc(1), gzipSync('b')]);
    expect(await outcome('gz', bytes)).toBe('corrupt');
  });
});

test('stopping early ends the decoder, and the next one works', async () => {
  for (const { compression, bytes } of FIXTURES) {
    for await (const chunk of decode(compression, bytes, MAX_TEXT_BYTES)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect((await decoded(compression, bytes)).equals(TEXT)).toBe(true);
  }
});

test('a fault has a message', async () => {
  const error = await failureOf(decoded('xz', fixture('records.xz').subarray(0, 5000)));
  expect(error).toMatchObject({ code: 'corrupt', message: 'the data is truncated' });
});

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xed_b8_83_20 & -(crc & 1));
  }
  return ~crc >>> 0;
}
