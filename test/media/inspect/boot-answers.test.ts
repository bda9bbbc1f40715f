import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectMedia } from '../../../src/api/media-inspect.ts';
import type { Event } from '../../../src/events.ts';
import { inspectMedium } from '../../../src/media/inspect/inspect.ts';
import { findFiles } from '../../../src/media/inspect/wim-files.ts';
import { ResourceReader } from '../../../src/media/inspect/wim-resource.ts';
import { describeWith, temporaryDirectory } from '../support.ts';
import { END, entry, SECURITY } from './metadata-writer.ts';
import { BOOT, makeTree, makeUdf, SERVER_2022 } from './media.ts';
import type { MediumParts } from './media.ts';

/** Writes a medium whose `boot.wim` has these files in its two images. */
function medium(image1: readonly string[], image2: readonly string[], more: MediumParts = {}): string {
  const dir = temporaryDirectory();
  const boot = [image1, image2].map((paths, i) => ({
    name: 'Microsoft Windows PE (amd64)',
    ...BOOT[i],
    files: Object.fromEntries(paths.map((path) => [path, `content of ${path}`])),
  }));
  return makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot, ...more }));
}

/** Files that every such image has, enough for several chunks. */
const USUAL = [
  'setup.exe',
  'sources/setup.exe',
  'Windows/System32/Sysprep/sysprep.exe',
  ...Array.from({ length: 900 }, (_, i) => `Windows/System32/api-ms-win-core-file-l1-2-${i}.dll`),
];

describeWith(['wimlib-imagex', 'genisoimage'], 'answer files in boot.wim', () => {
  test.each([
    ['LZX', [], ['autounattend.xml'], ['autounattend.xml in image 2 of sources/boot.wim']],
    ['XPRESS', ['UNATTEND.XML'], [], ['unattend.xml in image 1 of sources/boot.wim']],
    ['none', [], ['Sources/Unattend.xml'], ['sources/unattend.xml in image 2 of sources/boot.wim']],
    [
      'LZX',
      ['windows/panther/Unattend.xml', 'autounattend.xml'],
      ['Windows/Panther/unattend/unattend.xml', 'WINDOWS2/x', 'Windows/System32/sysprep/unattend.xml'],
      [
        'autounattend.xml in image 1 of sources/boot.wim',
        'Windows/Panther/unattend.xml in image 1 of sources/boot.wim',
        'Windows/Panther/Unattend/unattend.xml in image 2 of sources/boot.wim',
        'Windows/System32/Sysprep/unattend.xml in image 2 of sources/boot.wim',
      ],
    ],
  ] as const)('%s: in image 1 %j, in image 2 %j', async (bootCompression, image1, image2, expected) => {
    const { answerFiles, unchecked } = await inspectMedium(medium(image1, image2, { bootCompression }));
    expect({ answerFiles, unchecked }).toEqual({ answerFiles: expected, unchecked: [] });
  });

  test('one is found among many files, in the second of two directories with the same name too', async () => {
    const path = medium(USUAL, [...USUAL, 'Windows/System32/sysprep/autounattend.xml']);
    expect((await inspectMedium(path)).answerFiles).toEqual([
      'Windows/System32/Sysprep/autounattend.xml in image 2 of sources/boot.wim',
    ]);
  });

  test('other files and directories with these names are not answer files', async () => {
    const others = ['unattend.xml/x', 'Windows/unattend.xml', 'Windows/Panther/setupinfo', 'x/autounattend.xml'];
    const { answerFiles, unchecked } = await inspectMedium(medium(USUAL, [...USUAL, ...others]));
    expect({ answerFiles, unchecked }).toEqual({ answerFiles: [], unchecked: [] });
  });

  test('the medium is refused', async () => {
    const iso = medium([], ['Autounattend.xml']);
    const answers = 'autounattend.xml in image 2 of sources/boot.wim';
    await expect(inspectMedia({ iso })).rejects.toMatchObject({
      code: 'media',
      message: `\`${iso}\` has an answer file of its own: \`${answers}\``,
      details: { answerFiles: [answers] },
    });
  });

  test('a boot.wim that cannot be searched is a warning', async () => {
    const dir = temporaryDirectory();
    const tree = makeTree(dir, { editions: SERVER_2022, boot: BOOT, bootCompression: 'LZMS' });
    const events: Event[] = [];
    const inspect = async (): Promise<string[]> => {
      const { unchecked } = await inspectMedia({ iso: makeUdf(dir, tree) }, { report: (event) => events.push(event) });
      return unchecked.map(({ path, reason }) => `${path}: ${reason}`);
    };
    expect(await inspect()).toEqual(['sources/boot.wim: a WIM with this compression cannot be read']);
    expect(events).toMatchObject([
      { kind: 'warning', message: expect.stringMatching(/is not searched for answer files: a WIM with/) as string },
    ]);
    const wim = join(makeTree(dir, { editions: SERVER_2022, boot: BOOT }), 'sources/boot.wim');
    const bytes = readFileSync(wim);
    // The number of images.
    bytes.writeUInt32LE(3, 44);
    writeFileSync(wim, bytes);
    expect(await inspect()).toEqual(['sources/boot.wim: the image is damaged: a WIM has 3 images, but metadata of 2']);
  });
});

const NAMELESS = entry('');

describe('directories of an image', () => {
  const search = (metadata: Buffer, ...paths: string[]): Promise<string[]> => {
    const resource = { flags: 2, startByte: 0, storedBytes: metadata.length, sizeBytes: metadata.length };
    const read = async (start: number, size: number): Promise<Buffer> => metadata.subarray(start, start + size);
    return findFiles(new ResourceReader(read, resource, { method: 'none', chunkBytes: 0 }), paths);
  };
  const root = (list: number): Buffer => Buffer.concat([SECURITY, entry('', list), END]);
  const first = root(1).length;

  test('security data and named streams are skipped', async () => {
    const metadata = Buffer.concat([root(first), entry('a', 0, 3), entry('B.xml', 0, 1), END]);
    expect(await search(metadata, 'b.XML', 'c')).toEqual(['b.XML']);
  });

  test('directories that contain each other end the search', async () => {
    const metadata = Buffer.concat([root(first), entry('a', first), entry('a', first), END]);
    expect(await search(metadata, 'a/a/a/b', 'a/a/x', 'a')).toEqual([]);
    await expect(search(metadata, 'a/'.repeat(20))).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('an image without files has none', async () => {
    expect(await search(Buffer.concat([SECURITY, END]), 'a')).toEqual([]);
    expect(await search(root(0), 'a')).toEqual([]);
  });

  test.each([
    ['a directory without end', Buffer.concat([root(first), entry('a')])],
    ['a directory after the end', root(100_000)],
    [
      'an entry that is too short',
      Buffer.concat([root(first), Buffer.from('5000000000000000', 'hex'), Buffer.alloc(200)]),
    ],
    ['security data after the end', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['more than 100,000 entries', Buffer.concat([root(first), ...Array.from({ length: 100_001 }, () => NAMELESS)])],
    ['more than 100,000 streams', Buffer.concat([root(first), entry('a', 0, 60_000), entry('a', 0, 60_000), END])],
  ])('%s is damage', async (_, metadata) => {
    await expect(search(metadata, 'b')).rejects.toMatchObject({ code: 'corrupt' });
  });
});
