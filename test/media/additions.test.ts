import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { additionsOf } from '../../src/api/media-additions.ts';
import { asOrdinaryUser } from '../support/user.ts';
import { contentsOf, copied, media } from './command-support.ts';
import { describeWith, temporaryDirectory } from './support.ts';

/** Names that are unusual, and that Windows and ISO 9660 can have. */
const UNUSUAL = [
  '-rf',
  "quote'd",
  'a=b=c',
  '$HOME',
  '`id`',
  'semi colon, comma',
  'x'.repeat(103),
  `${'y'.repeat(64)}.txt`,
  'Straße Ωmega ἀ',
  'no-extension',
  'two.dots.tar.gz',
  '~tilde~',
  ...Array.from({ length: 40 }, (_, i) => `same first letters ${i}.text`),
  'SAMEFI~1.TEX',
];

describeWith(['xorriso'], 'files added to an image', () => {
  test('arrive byte for byte under unusual names, also such with equal short names', async () => {
    const extra = join(temporaryDirectory(), 'extra');
    mkdirSync(extra);
    for (const name of UNUSUAL) writeFileSync(join(extra, name), `content of ${name}`);
    const { image } = await media({ ...copied(), add: [`${extra}=extra`] });
    const contents = await contentsOf(image.path);
    const found = Object.keys(contents).filter((path) => path.startsWith('extra/'));
    expect(found.sort()).toEqual(UNUSUAL.map((name) => `extra/${name}`).sort());
    for (const name of UNUSUAL) expect(contents[`extra/${name}`]?.toString()).toBe(`content of ${name}`);
  });

  test.each([
    ['..', 'leaves its directory'],
    ['a/../../b', 'leaves its directory'],
    ['/absolute', 'is absolute'],
    ['C:/x', 'has a drive letter'],
    ['a\\b', 'has a backslash'],
    ['a:b', 'has a character Windows does not allow'],
    ['line\nfeed', 'has a control character'],
    ['esc\x1b[31m', 'has a control character'],
    ['con', 'has the name of a Windows device'],
    ['deep/Nul.txt', 'has the name of a Windows device'],
    ['blank ', 'has a part with a dot or a blank at its edge'],
    ['dot.', 'has a part with a dot or a blank at its edge'],
    ['x86_64/setup.ini', 'setup would read it as an index'],
    ['x'.repeat(104), 'at most 103 in Joliet'],
    [`${'d/'.repeat(119)}name`, 'at most 240 in Joliet'],
    ['😀', 'beyond U+FFFF'],
    ['X86_64/other', 'are in directories whose names differ only in case'],
    ['noarch/Release/other', 'are in directories whose names differ only in case'],
    ['x86_64/release/bash/BASH-5.2.21-1-x86_64.tar.xz', 'differ only in case'],
    ['x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz', 'is listed twice'],
    ['x86_64/release', 'is a file and also a directory'],
  ])('are refused at %j before anything is written', async (path, why) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), 'x');
    const out = join(directory, 'out');
    const made = media({ ...copied(), out, add: [`${join(directory, 'file')}=${path}`] });
    await expect(made).rejects.toMatchObject({ message: expect.stringContaining(why) as string });
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test.each([
    ['a FIFO', 'neither a file nor a directory', (path) => void execFileSync('mkfifo', [path])],
    ['a link to a device', 'neither a file nor a directory', (path) => symlinkSync('/dev/zero', path)],
    ['a link to nothing', 'does not exist or is not readable', (path) => symlinkSync('nothing', path)],
    ['a link to itself', 'does not exist or is not readable', (path) => symlinkSync(path, path)],
    ['a link to a directory', 'it is a link to a directory', (path) => symlinkSync('/', path)],
    [
      'a file that is not readable',
      'does not exist or is not readable',
      (path) => writeFileSync(path, 'x', { mode: 0 }),
    ],
    ['a directory that is not readable', 'does not exist or is not readable', (path) => mkdirSync(path, { mode: 0 })],
    [
      'a name that is not UTF-8',
      'does not exist or is not readable',
      (path) => writeFileSync(Buffer.concat([Buffer.from(path), Buffer.of(0xff)]), 'x'),
    ],
  ] satisfies [string, string, (path: string) => void][])('are refused: %s', async (_what, why, make) => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'extra'));
    make(join(directory, 'extra/entry'));
    await asOrdinaryUser(directory, async () => {
      await expect(additionsOf([join(directory, 'extra')])).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining(why) as string,
      });
    });
  });
});
