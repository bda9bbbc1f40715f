import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeLzx } from '../../../src/media/inspect/wim-lzx.ts';
import { readResource, ResourceReader } from '../../../src/media/inspect/wim-resource.ts';
import { decodeXpress } from '../../../src/media/inspect/wim-xpress.ts';
import { readWimHeader } from '../../../src/media/inspect/wim.ts';
import { SEED } from '../../support/seed.ts';
import { describeWith, run, temporaryDirectory } from '../support.ts';
import { lzxSamples } from './lzx-writer.ts';

const METHODS = ['LZX:10', 'LZX', 'LZX:100', 'XPRESS:10', 'XPRESS:100', 'none'];

/** Files that compressors treat differently. Sizes are not multiples of a chunk. */
function contents(): Record<string, Uint8Array> {
  const random = randomBytes(1);
  const make = (size: number, byte: (i: number) => number): Uint8Array =>
    Uint8Array.from({ length: size }, (_, i) => byte(i));
  return {
    noise: make(100_000, random),
    zeros: new Uint8Array(300_001),
    text: Buffer.from(
      'the quick brown fox jumps over the lazy dog. '
        .repeat(3000)
        .replace(/o/g, (_, i: number) => 'aeiou'[i % 5] ?? ''),
    ),
    // Calls with addresses of all sizes and signs, near the ends of chunks too.
    calls: make(200_000, () => [0xe8, 0xe8, 0, 0xff, random() & 3, random() & 0x7f][random() % 6] ?? 0),
    numbers: make(250_000, (i) => (((i >> 2) ** 2 / 128) >> ((i & 3) * 8)) & 0xff),
    'few bytes': make(7, (i) => i),
  };
}

function randomBytes(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
}

/** Reads all resources of a WIM; returns their SHA-1 as recorded and as computed. */
async function digestsOf(wim: Buffer): Promise<{ recorded: string[]; computed: string[] }> {
  const read = async (start: number, size: number): Promise<Buffer> => wim.subarray(start, start + size);
  const { table, compression } = readWimHeader(wim, 'x.wim');
  const [recorded, computed]: string[][] = [[], []];
  for (let at = table.startByte; at < table.startByte + table.sizeBytes; at += 50) {
    recorded?.push(wim.toString('hex', at + 30, at + 50));
    const resource = readResource(wim, at);
    const bytes = await new ResourceReader(read, resource, compression).bytes(0, resource.sizeBytes);
    computed?.push(createHash('sha1').update(bytes).digest('hex'));
  }
  return { recorded: recorded ?? [], computed: computed ?? [] };
}

describeWith(['wimlib-imagex'], 'resources of a WIM of wimlib', () => {
  test.each(METHODS)('are read with %s', async (method) => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'x'));
    for (const [name, bytes] of Object.entries(contents())) writeFileSync(join(dir, 'x', name), bytes);
    run('wimlib-imagex', 'capture', join(dir, 'x'), join(dir, 'x.wim'), 'x', `--compress=${method}`);
    const { recorded, computed } = await digestsOf(readFileSync(join(dir, 'x.wim')));
    expect(computed).toEqual(recorded);
    expect(recorded.length).toBe(7);
  });

  test('are read with XPRESS in chunks of 64 KiB, and not with LZX in such chunks', async () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'x'));
    writeFileSync(join(dir, 'x', 'calls'), contents()['calls'] ?? '');
    const capture = (method: string): Buffer => {
      run(
        'wimlib-imagex',
        'capture',
        join(dir, 'x'),
        join(dir, `${method}.wim`),
        'x',
        `--compress=${method}`,
        '--chunk-size=64K',
      );
      return readFileSync(join(dir, `${method}.wim`));
    };
    const { recorded, computed } = await digestsOf(capture('XPRESS'));
    expect(computed).toEqual(recorded);
    await expect(digestsOf(capture('LZX'))).rejects.toMatchObject({
      message: 'a WIM with this compression cannot be read',
    });
  });

  test('blocks of all types: wimlib and this decoder agree', () => {
    const dir = temporaryDirectory();
    const samples = fc
      .sample(lzxSamples, { seed: SEED, numRuns: 60 })
      .filter(({ plain, stored }) => stored.length < plain.length);
    expect(samples.length).toBeGreaterThan(20);
    mkdirSync(join(dir, 'x'));
    for (const [i, { plain, stored }] of samples.entries()) {
      expect(Buffer.compare(decodeLzx(stored, plain.length), plain)).toBe(0);
      writeFileSync(join(dir, 'x', 'file'), plain);
      const wim = join(dir, `${i}.wim`);
      run('wimlib-imagex', 'capture', join(dir, 'x'), wim, 'x', '--compress=LZX');
      writeFileSync(wim, withStored(readFileSync(wim), stored));
      run('wimlib-imagex', 'verify', wim);
    }
  });
});

/** Replaces the only file of a WIM by other compressed bytes of the same content. */
function withStored(wim: Buffer, stored: Uint8Array): Buffer {
  const { table } = readWimHeader(wim, 'x.wim');
  const changed = Buffer.concat([wim, stored]);
  for (let at = table.startByte; at < table.startByte + table.sizeBytes; at += 50) {
    const isMetadata = (changed.readUInt8(at + 7) & 2) !== 0;
    if (isMetadata) continue;
    changed.writeUIntLE(stored.length, at, 6);
    changed.writeUInt8(4, at + 7);
    changed.writeBigUInt64LE(BigInt(wim.length), at + 8);
  }
  return changed;
}

test('LZX: blocks of all types, codewords of all lengths, all kinds of matches', () => {
  fc.assert(
    fc.property(lzxSamples, ({ plain, stored }) => {
      expect(Buffer.compare(decodeLzx(stored, plain.length), plain)).toBe(0);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

describe('malformed chunks are refused', () => {
  const refused = { code: 'corrupt', message: expect.stringContaining('is malformed') as string };
  const bits = (text: string): Uint8Array => {
    const words = text.replaceAll(' ', '').match(/.{1,16}/g) ?? [];
    return Uint8Array.from(
      words.flatMap((word) => [parseInt(word.padEnd(16, '0').slice(8), 2), parseInt(word.slice(0, 8), 2)]),
    );
  };

  test.each([
    ['no data', '', 1],
    ['an unknown type', '000 1 000000000000', 32_768],
    ['a block of no bytes', '001 0 0000000000000000', 1],
    ['a block that is larger than the chunk', '001 1 000000000000', 100],
    ['a code with too many codewords', `001 0 0000000000000001 ${'0001'.repeat(20)}`, 1],
    ['a code with too few codewords', `001 0 0000000000000001 0001 ${'0000'.repeat(19)}`, 1],
    ['a code without codewords that is used', `001 0 0000000000000001 ${'0000'.repeat(40)}`, 1],
    ['an uncompressed block that ends too early', '011 0 0000000000000010', 2],
  ])('LZX: %s', (_, text, size) => {
    expect(() => decodeLzx(bits(text), size)).toThrow(expect.objectContaining(refused) as Error);
  });

  test.each([
    ['no data', new Uint8Array(0)],
    ['no code', new Uint8Array(256)],
    ['too many codewords', new Uint8Array(256).fill(0x11)],
    // Symbols 0 and 257, with codewords of one bit: the first symbol is a match.
    [
      'a match before the chunk',
      Uint8Array.from({ length: 260 }, (_, i) => (i === 0 ? 1 : i === 128 ? 0x10 : i === 257 ? 0x80 : 0)),
    ],
  ])('XPRESS: %s', (_, bytes) => {
    expect(() => decodeXpress(bytes, 10)).toThrow(expect.objectContaining(refused) as Error);
  });
});
