import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFloppy, copyArgs, formatArgs, requireRoom, writeFloppy } from '../../src/media/floppy.ts';
import { readFloppy } from '../../src/media/read/fat.ts';
import { SEED } from '../support/seed.ts';
import { DATE_SECONDS, describeWith, run, sha512, temporaryDirectory } from './support.ts';

const options = { label: 'ANSWERS', dateSeconds: DATE_SECONDS };
const filesOf = (files: Readonly<Record<string, string | Buffer>>): Map<string, Buffer> =>
  new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));

const FILES = filesOf({
  'autounattend.xml': '<unattend/>\r\n',
  'ID.PUB': 'ssh-ed25519 AAAA',
  'id.pub2': 'x'.repeat(513),
  'winnt.sif': '[Data]\n',
  'Mixed.Cmd': 'exit',
  empty: '',
  no_ext: 'a',
  'a very long name, with blanks & [signs] that goes on.first-logon.cmd': Buffer.alloc(100_000, 7),
  '.hidden': 'dots',
  abcdefghijklm: 'thirteen characters',
  abcdefghijklmnopqrstuvwxyz: 'twice thirteen',
});

/** The entries of the root directory of a 1.44 MB floppy without those of long names. */
function rootEntries(image: Buffer): Buffer[] {
  const rootStart = 19 * 512;
  const all = Array.from({ length: 224 }, (_, i) => image.subarray(rootStart + i * 32, rootStart + (i + 1) * 32));
  return all.filter((entry) => entry[0] !== 0 && entry[0] !== 0xe5 && entry[11] !== 0x0f);
}

test('the arguments of mtools have a fixed serial number', () => {
  expect(formatArgs('ANSWERS', '/d/image').join(' ')).toBe('-C -f 1440 -N 0 -v ANSWERS -i /d/image ::');
  expect(copyArgs(['/d/a', '/d/b'], '/d/image').join(' ')).toBe('-m -i /d/image /d/a /d/b ::');
});

describe.each<[string, Map<string, Buffer>, string]>([
  [
    'more bytes than fit',
    filesOf({ a: Buffer.alloc(1_457_665) }),
    'do not fit on a floppy: 1458176 bytes, at most 1457664',
  ],
  [
    'more files than fit',
    new Map(Array.from({ length: 112 }, (_, i) => [`file ${i}`, Buffer.alloc(1)])),
    'the names of 112 files',
  ],
  ['a directory', filesOf({ 'a/b': '' }), 'floppy images have no directories'],
  ['a name beyond ASCII', filesOf({ '\u00fc': '' }), 'must be ASCII'],
  ['a name of 256 characters', filesOf({ ['n'.repeat(256)]: '' }), 'it has 256 characters, at most 255 in FAT'],
  ['a name FAT cannot have', filesOf({ 'a?': '' }), 'a character that Windows does not allow'],
  ['a blank at the end', filesOf({ 'a ': '' }), 'which Windows drops'],
  ['names that differ in case', filesOf({ a: '', A: '' }), 'differ only in case'],
])('%s', (_name, files, message) => {
  test('is rejected before anything is written', async () => {
    const dir = temporaryDirectory();
    await expect(writeFloppy({ ...options, files, out: join(dir, 'x.img') })).rejects.toMatchObject({
      code: 'media',
      message: expect.stringContaining(message),
    });
    expect(readdirSync(dir)).toEqual([]);
  });
});

describeWith(['mformat', 'mcopy'], 'a floppy', () => {
  test('other readers see the same files', async () => {
    const dir = temporaryDirectory();
    const out = join(dir, 'x.img');
    const { sha512: hex, ...facts } = await writeFloppy({ ...options, files: FILES, out });
    expect(facts).toEqual({ path: out, sizeBytes: 1_474_560, files: FILES.size });
    expect(hex).toBe(sha512(readFileSync(out)));
    mkdirSync(join(dir, 'back'));
    run('mcopy', '-i', out, '::*', join(dir, 'back'));
    expect(
      new Map(readdirSync(join(dir, 'back')).map((name) => [name, readFileSync(join(dir, 'back', name))])),
    ).toEqual(new Map([...FILES].toSorted(([a], [b]) => (a < b ? -1 : 1))));
    expect(readdirSync(dir).sort()).toEqual(['back', 'x.img']);
  });

  test('has the same bytes for the same input, and different bytes for another date', async () => {
    const dir = temporaryDirectory();
    const write = async (
      name: string,
      files: ReadonlyMap<string, Buffer>,
      dateSeconds = DATE_SECONDS,
    ): Promise<string> => (await writeFloppy({ ...options, dateSeconds, files, out: join(dir, name) })).sha512;
    const first = await write('1.img', FILES);
    expect(await write('2.img', new Map([...FILES].toReversed()))).toBe(first);
    expect(await write('3.img', FILES, DATE_SECONDS + 2)).not.toBe(first);
  });

  test('every entry has the given date, not the current time', async () => {
    const out = join(temporaryDirectory(), 'x.img');
    await writeFloppy({ ...options, files: FILES, out });
    const image = readFileSync(out);
    const serialNumber = image.readUInt32LE(39);
    expect(serialNumber).toBe(0);
    // 14 November 2023, 22:13:20, in the format of FAT: creation, access, last write.
    const [date, time] = [((2023 - 1980) << 9) | (11 << 5) | 14, (22 << 11) | (13 << 5) | (20 / 2)];
    const entries = rootEntries(image);
    expect(entries).toHaveLength(FILES.size + 1);
    for (const entry of entries) {
      expect([entry.readUInt16LE(24), entry.readUInt16LE(22)]).toEqual([date, time]);
      expect([0, date]).toContain(entry.readUInt16LE(16));
      expect([0, time]).toContain(entry.readUInt16LE(14));
      expect([0, date]).toContain(entry.readUInt16LE(18));
    }
  });

  test('can be full, and empty', async () => {
    const dir = temporaryDirectory();
    const full = filesOf({ full: Buffer.alloc(1_457_664, 1) });
    expect(await writeFloppy({ ...options, files: full, out: join(dir, 'x.img') })).toMatchObject({ files: 1 });
    const many = new Map(Array.from({ length: 111 }, (_, i) => [`file ${i}`, Buffer.from(`${i}`)]));
    expect(await writeFloppy({ ...options, files: many, out: join(dir, 'x.img') })).toMatchObject({ files: 111 });
    expect(await writeFloppy({ ...options, files: new Map(), out: join(dir, 'x.img') })).toMatchObject({ files: 0 });
  });

  test('replaces an existing image', async () => {
    const dir = temporaryDirectory();
    writeFileSync(join(dir, 'x.img'), 'old');
    await writeFloppy({ ...options, files: FILES, out: join(dir, 'x.img') });
    expect(compareFloppy(readFileSync(join(dir, 'x.img')), FILES)).toEqual([]);
  });

  test('with any change to a file has a difference', async () => {
    const out = join(temporaryDirectory(), 'x.img');
    await writeFloppy({ ...options, files: FILES, out });
    const image = readFileSync(out);
    const other = new Map(FILES)
      .set('ID.PUB', Buffer.from('ssh-ed25519 BBBB'))
      .set('empty', Buffer.from('x'))
      .set('more', Buffer.alloc(0));
    other.delete('no_ext');
    expect(compareFloppy(image, other).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'wrong-content ID.PUB',
      'wrong-size empty',
      'missing more',
      'unexpected no_ext',
    ]);
  });

  test('with random damage gives a MediaError, differences, or the same content', async () => {
    const out = join(temporaryDirectory(), 'x.img');
    await writeFloppy({ ...options, files: FILES, out });
    const image = readFileSync(out);
    // Boot sector, both FATs and the root directory.
    const flips = fc.array(
      fc.tuple(
        fc.oneof(
          fc.integer({ min: 0, max: 40 }),
          fc.integer({ min: 512, max: 1100 }),
          fc.integer({ min: 9728, max: 10_700 }),
        ),
        fc.integer({ min: 1, max: 255 }),
      ),
      { minLength: 1, maxLength: 4 },
    );
    let refused = 0;
    fc.assert(
      fc.property(flips, fc.option(fc.integer({ min: 0, max: image.length - 1 }), { freq: 20 }), (changes, length) => {
        const changed = Buffer.from(image.subarray(0, length ?? image.length));
        for (const [at, flip] of changes) if (at < changed.length) changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
        try {
          if (compareFloppy(changed, FILES).length > 0) refused++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' });
          refused++;
        }
      }),
      { seed: SEED, numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});

test('without mtools the hint names doctor', async () => {
  const dir = temporaryDirectory();
  const before = process.env['PATH'];
  process.env['PATH'] = dir;
  try {
    await expect(writeFloppy({ ...options, files: FILES, out: join(dir, 'x.img') })).rejects.toMatchObject({
      code: 'tool',
      message: '`mformat` is not installed',
      hint: expect.stringContaining('`cygstrap doctor`'),
    });
  } finally {
    process.env['PATH'] = before;
  }
  expect(readdirSync(dir)).toEqual([]);
});

test('arbitrary bytes are rejected', () => {
  for (const image of [
    Buffer.alloc(0),
    Buffer.alloc(1_474_560),
    Buffer.alloc(1_474_560, 0xff),
    Buffer.alloc(7_000_000),
  ])
    expect(() => readFloppy(image)).toThrow('the floppy image is damaged');
});

test('an empty set of files fits', () => {
  expect(() => requireRoom(new Map())).not.toThrow();
});
