import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIso } from '../../src/media/iso-compare.ts';
import type { Difference, ExpectedFile } from '../../src/media/iso-compare.ts';
import { writeIso } from '../../src/media/iso.ts';
import { MediaError } from '../../src/media/base/media-error.ts';
import { readIso } from '../../src/media/read/iso.ts';
import type { IsoTrees } from '../../src/media/read/iso.ts';
import { SEED } from '../support/seed.ts';
import { DATE_SECONDS, craftIso, describeWith, digestOf, temporaryDirectory } from './support.ts';

const SECTOR = 2048;

async function treesOf(image: string): Promise<IsoTrees> {
  const file = await open(image, 'r');
  try {
    return await readIso(file);
  } finally {
    await file.close();
  }
}

function written(image: Buffer): string {
  const path = join(temporaryDirectory(), 'x.iso');
  writeFileSync(path, image);
  return path;
}

function expectedOf(path: string, bytes: Uint8Array): ExpectedFile {
  return { path, sizeBytes: bytes.length, digest: digestOf(bytes) };
}

/** An image with the given change must be refused. */
async function refusal(change: (image: Buffer) => void): Promise<unknown> {
  const image = craftIso([{ name: 'a', extents: [{ sector: 24, sizeBytes: 5 }] }]);
  const whole = Buffer.concat([image, Buffer.alloc(SECTOR)]);
  change(whole);
  return treesOf(written(whole)).catch((error: unknown) => error);
}

describe('a crafted image', () => {
  test('with a file in several extents is read whole', async () => {
    const one = Buffer.alloc(SECTOR, 1);
    const two = Buffer.alloc(10, 2);
    const image = Buffer.concat([
      craftIso([
        {
          name: 'big',
          extents: [
            { sector: 25, sizeBytes: SECTOR },
            { sector: 24, sizeBytes: 10 },
          ],
        },
        { name: 'none', extents: [{ sector: 0, sizeBytes: 0 }] },
      ]),
      two,
      Buffer.alloc(SECTOR - 10),
      one,
    ]);
    const expected = [expectedOf('big', Buffer.concat([one, two])), expectedOf('none', Buffer.alloc(0))];
    expect(await compareIso(written(image), expected)).toEqual([]);
    image.writeUInt8(9, 24 * SECTOR + 9);
    expect(await compareIso(written(image), expected)).toEqual([
      { view: 'rock-ridge', kind: 'wrong-content', path: 'big' },
      { view: 'joliet', kind: 'wrong-content', path: 'big' },
    ]);
  });

  test('with a file over 4 GiB has all extents', async () => {
    const first = 2 ** 32 - SECTOR;
    const path = join(temporaryDirectory(), 'x.iso');
    const file = openSync(path, 'w');
    writeSync(
      file,
      craftIso([
        {
          name: 'huge',
          extents: [
            { sector: 24, sizeBytes: first },
            { sector: 24 + first / SECTOR, sizeBytes: 5_000 },
          ],
        },
        { name: 'after', extents: [{ sector: 24 + first / SECTOR + 3, sizeBytes: 3 }] },
      ]),
    );
    ftruncateSync(file, 24 * SECTOR + first + 4 * SECTOR);
    closeSync(file);
    const { rockRidge, joliet } = await treesOf(path);
    expect(rockRidge).toEqual(joliet);
    expect(rockRidge.map(({ path: name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['huge', first + 5_000],
      ['after', 3],
    ]);
    expect(rockRidge[1]?.extents).toEqual([{ startByte: 24 * SECTOR + first + 3 * SECTOR, sizeBytes: 3 }]);
  });

  test('missing, unexpected and resized files are different differences', async () => {
    const image = Buffer.concat([
      craftIso([
        { name: 'a', extents: [{ sector: 24, sizeBytes: 5 }] },
        { name: 'b', extents: [{ sector: 24, sizeBytes: 5 }] },
        { name: 'b', extents: [{ sector: 24, sizeBytes: 5 }] },
      ]),
      Buffer.alloc(SECTOR),
    ]);
    const found = await compareIso(written(image), [
      expectedOf('a', Buffer.alloc(4)),
      expectedOf('b', Buffer.alloc(5)),
      expectedOf('c', Buffer.alloc(5)),
    ]);
    const inOne = [
      ['wrong-size', 'a'],
      ['twice', 'b'],
      ['missing', 'c'],
    ] as const;
    expect(found).toEqual(
      (['rock-ridge', 'joliet'] as const).flatMap((view) =>
        inOne.map(([kind, path]): Difference => ({ view, kind, path })),
      ),
    );
    expect(await compareIso(written(image), [expectedOf('a', Buffer.alloc(5))])).toEqual(
      expect.arrayContaining([{ view: 'joliet', kind: 'unexpected', path: 'b' }]),
    );
  });

  test.each<[string, (image: Buffer) => void, string]>([
    ['no descriptors', (image) => image.fill(0, 16 * SECTOR, 17 * SECTOR), 'missing volume descriptors'],
    ['no end of descriptors', (image) => image.writeUInt8(0, 18 * SECTOR), 'missing volume descriptors'],
    ['no Joliet', (image) => image.write('%/X', 17 * SECTOR + 88), 'missing Joliet tree'],
    ['other blocks', (image) => image.writeUInt16LE(512, 16 * SECTOR + 128), 'both-endian fields disagree'],
    ['a root beyond its end', (image) => writeBoth(image, 16 * SECTOR + 156 + 2, 0xffffff), 'ends before its files'],
    ['a directory of 4 GiB', (image) => writeBoth(image, 16 * SECTOR + 156 + 10, 0xffffffff), 'exceed the limit'],
    [
      'a file beyond its end',
      (image) => writeBoth(image, 20 * SECTOR + 34 + 34 + 2, 0xffffff),
      'ends before its files',
    ],
    [
      'a directory below itself',
      (image) => {
        image.writeUInt8(2, 20 * SECTOR + 68 + 25);
        writeBoth(image, 20 * SECTOR + 68 + 2, 20);
      },
      'is in it twice',
    ],
    ['a record that is cut short', (image) => image.writeUInt8(33, 20 * SECTOR + 68), 'is cut short'],
    ['a record over the edge', (image) => writeBoth(image, 16 * SECTOR + 156 + 10, 80), 'is cut short'],
    ['a file without end', (image) => image.writeUInt8(0x80, 20 * SECTOR + 68 + 25), '`a` is cut short'],
    ['a link', (image) => image.write('SL', 20 * SECTOR + 68 + 38), '`SL` is not supported'],
    ['a name with a slash', (image) => image.write('/', 20 * SECTOR + 68 + 43), 'invalid file name: "/"'],
    ['a name that is not valid UTF-8', (image) => image.writeUInt8(0xff, 20 * SECTOR + 68 + 43), 'is not valid UTF-8'],
    ['a field without end', (image) => image.writeUInt8(200, 20 * SECTOR + 68 + 40), 'is cut short'],
  ])('with %s is refused', async (_name, change, message) => {
    const error = await refusal(change);
    expect(error).toBeInstanceOf(MediaError);
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringMatching(message) });
  });

  test('with endless continuations is rejected', async () => {
    const continued = Buffer.alloc(28);
    continued.write('CE');
    continued.writeUInt8(28, 2);
    const image = Buffer.concat([
      craftIso([{ name: 'n'.repeat(40), extents: [{ sector: 24, sizeBytes: 5 }] }]),
      Buffer.alloc(SECTOR),
    ]);
    const at = image.indexOf('NM') - 20 * SECTOR;
    for (const [value, offset] of [
      [20, 4],
      [at, 12],
      [28, 20],
    ] as const)
      continued.writeUInt32LE(value, offset);
    continued.copy(image, 20 * SECTOR + at);
    await expect(treesOf(written(image))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching('has no end|cut short'),
    });
  });

  test('of arbitrary bytes is rejected', async () => {
    for (const image of [Buffer.alloc(0), Buffer.alloc(100_000), Buffer.alloc(100_000, 'CD001')]) {
      await expect(treesOf(written(image))).rejects.toMatchObject({ code: 'corrupt' });
    }
  });
});

function writeBoth(image: Buffer, at: number, value: number): void {
  image.writeUInt32LE(value, at);
  image.writeUInt32BE(value, at + 4);
}

describeWith(['xorriso'], 'a damaged image', () => {
  const CONTENT = Buffer.from('content '.repeat(400));
  const FILES = [
    ['a/b/one', CONTENT],
    [`long/${'n'.repeat(100)}`, Buffer.from('two')],
    ['three', Buffer.alloc(9000, 3)],
  ] as const;

  async function image(): Promise<{
    readonly whole: Buffer;
    readonly expected: ExpectedFile[];
    readonly at: (path: string) => number;
    readonly directory: string;
  }> {
    const directory = temporaryDirectory();
    const out = join(directory, 'whole.iso');
    await writeIso({
      entries: FILES.map(([path, bytes]) => ({ kind: 'bytes', path, bytes })),
      label: 'X',
      out,
      dateSeconds: DATE_SECONDS,
    });
    const { joliet } = await treesOf(out);
    mkdirSync(join(directory, 'changed'));
    const at = (path: string): number => joliet.find((file) => file.path === path)?.extents[0]?.startByte ?? 0;
    return { whole: readFileSync(out), expected: FILES.map(([path, bytes]) => expectedOf(path, bytes)), at, directory };
  }

  test('every flipped byte of content is a difference', async () => {
    const { whole, expected, at, directory } = await image();
    const path = join(directory, 'x.iso');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FILES),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async ([name, bytes], offset, flip) => {
          const changed = Buffer.from(whole);
          const byte = at(name) + (offset % bytes.length);
          changed.writeUInt8(changed.readUInt8(byte) ^ flip, byte);
          writeFileSync(path, changed);
          expect(await compareIso(path, expected)).toEqual(
            (['rock-ridge', 'joliet'] as const).map((view) => ({ view, kind: 'wrong-content', path: name })),
          );
        },
      ),
      { seed: SEED, numRuns: 50 },
    );
  });

  test('gives a MediaError, differences, or the same content', async () => {
    const { whole, expected, directory } = await image();
    const path = join(directory, 'x.iso');
    // Descriptors, path tables and directories are all before the content.
    const structure = fc.integer({ min: 16 * SECTOR, max: Math.min(whole.length, 80 * SECTOR) - 1 });
    const flips = fc.array(fc.tuple(structure, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        flips,
        fc.option(fc.integer({ min: 0, max: whole.length - 1 }), { freq: 8 }),
        async (changes, length) => {
          const changed = Buffer.from(whole.subarray(0, length ?? whole.length));
          for (const [at, flip] of changes)
            if (at < changed.length) changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
          writeFileSync(path, changed);
          try {
            if ((await compareIso(path, expected)).length > 0) refused++;
          } catch (error) {
            expect(error).toMatchObject({ code: 'corrupt' });
            refused++;
          }
        },
      ),
      { seed: SEED, numRuns: 600 },
    );
    expect(refused).toBeGreaterThan(30);
  });
});
