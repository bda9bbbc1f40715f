import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ImageFile } from '../../../src/media/inspect/image-file.ts';
import { inspectMedium } from '../../../src/media/inspect/inspect.ts';
import { hasUdf, openUdf } from '../../../src/media/inspect/udf.ts';
import { find } from '../../../src/media/inspect/volume.ts';
import { describeWith, temporaryDirectory } from '../support.ts';
import { BOOT, makeIso, makeTree, makeUdf, SERVER_2022 } from './media.ts';
import type { ImageProperties, MediumParts } from './media.ts';
import { writeUdf } from './udf-writer.ts';
import type { UdfForm } from './udf-writer.ts';

const CLIENT: ImageProperties = {
  name: 'Windows 11 Pro',
  editionId: 'Professional',
  installationType: 'Client',
  version: [10, 0, 26100, 1742],
};

function medium(parts: MediumParts): string {
  const dir = temporaryDirectory();
  return makeUdf(dir, makeTree(dir, parts));
}

describeWith(['wimlib-imagex', 'genisoimage', 'xorriso'], 'inspect', () => {
  test('a medium of Windows Server 2022: editions, version, boot, language', async () => {
    const path = medium({
      editions: SERVER_2022,
      boot: BOOT,
      files: { 'sources/lang.ini': '[Available UI Languages]\r\nen-US = 3\r\n', 'setup.exe': 'MZ' },
    });
    expect(await inspectMedium(path)).toEqual({
      path,
      sizeBytes: expect.any(Number) as number,
      format: 'UDF 1.02',
      label: 'SSS_X64FREE_EN-US_DV9',
      boot: { bios: true, uefi: true },
      sources: ['sources/install.wim'],
      setupLanguage: 'en-US',
      answerFiles: [],
      unchecked: [],
      editions: SERVER_2022.map(({ name, editionId, installationType }, i) => ({
        index: i + 1,
        name,
        editionId,
        arch: 'amd64',
        version: '10.0.20348.587',
        languages: ['en-US'],
        installationType: installationType === 'Server Core' ? 'core' : 'desktop',
        isServer: true,
        isEvaluation: true,
        kind: 'windows-2022',
      })),
    });
  });

  test.each(['esd', 'swm'] as const)('a medium with install.%s', async (form) => {
    const { sources, editions } = await inspectMedium(medium({ editions: [CLIENT], form, boot: BOOT }));
    expect(sources[0]).toBe(`sources/install.${form}`);
    expect(sources.length).toBe(form === 'swm' ? 3 : 1);
    expect(editions).toMatchObject([{ kind: 'windows-11', isServer: false, isEvaluation: false }]);
  });

  test.each([
    ['windows-7', [6, 1, 7601, 24214], 'Client'],
    ['windows-2008r2', [6, 1, 7601, 24214], 'Server'],
    ['windows-8.1', [6, 3, 9600, 17415], 'Client'],
    ['windows-2012r2', [6, 3, 9600, 17415], 'Server'],
    ['windows-10', [10, 0, 19045, 2006], 'Client'],
    ['windows-2016', [10, 0, 14393, 0], 'Server'],
    ['windows-2019', [10, 0, 17763, 3650], 'Server Core'],
    ['windows-2025', [10, 0, 26100, 1742], 'Server'],
    [undefined, [6, 2, 9200, 0], 'Client'],
  ] as const)('the kind %s by its version', async (kind, version, installationType) => {
    const path = medium({ editions: [{ name: 'one', installationType, version }], boot: BOOT });
    expect((await inspectMedium(path)).editions[0]?.kind).toBe(kind);
  });

  test.each([
    ['windows-xp', ['WIN51', 'WIN51IP', 'WIN51IP.SP3'], 'Windows XP Professional SP3', '5.1.2600'],
    ['windows-2003', ['WIN51', 'WIN51IS', 'WIN51IS.SP1'], 'Windows Server 2003, Standard Edition SP1', '5.2.3790'],
  ] as const)('a medium of %s, with ISO 9660 only', async (kind, tags, name, version) => {
    const dir = temporaryDirectory();
    const files = Object.fromEntries([...tags, 'I386/TXTSETUP.SIF', 'I386/WINNT32.EXE'].map((path) => [path, 'x']));
    const path = makeIso(dir, makeTree(dir, { files }));
    const { format, editions, sources } = await inspectMedium(path);
    expect({ format, sources }).toEqual({ format: 'Joliet', sources: ['i386'] });
    expect(editions).toMatchObject([{ kind, name, version, arch: 'x86' }]);
  });

  test('answer files on the medium are listed', async () => {
    const files = { 'Autounattend.xml': '<unattend/>', 'sources/$OEM$/$$/Panther/unattend.xml': '<unattend/>' };
    expect((await inspectMedium(medium({ editions: [CLIENT], boot: BOOT, files }))).answerFiles).toEqual([
      'autounattend.xml',
      'sources/$OEM$/$$/Panther/unattend.xml',
    ]);
  });

  test.each([
    ['a medium for arm64', { editions: [{ ...CLIENT, arch: 12 }], boot: BOOT }],
    ['a Windows PE or recovery medium', { boot: BOOT }],
    ['not a Setup medium', { editions: [CLIENT] }],
    [
      'a medium with Windows for x86 and for x64',
      { files: { 'x86/sources/install.wim': 'x', 'x64/sources/install.wim': 'x' } },
    ],
    ['a Linux medium', { files: { 'casper/vmlinuz': 'x' } }],
    ['not a Windows installation medium', { files: { 'readme.txt': 'x' } }],
  ] satisfies [string, MediumParts][])('refuses %s', async (what, parts) => {
    await expect(inspectMedium(medium(parts))).rejects.toMatchObject({
      code: 'media',
      message: expect.stringContaining(` is ${what}`) as string,
      hint: expect.any(String) as string,
    });
  });

  test('refuses an image that was cut', async () => {
    const path = medium({ editions: [CLIENT], boot: BOOT });
    for (const size of [statSync(path).size - 2048, 700_000, 560_000]) {
      truncateSync(path, size);
      await expect(inspectMedium(path)).rejects.toMatchObject({
        message: expect.stringMatching(/is cut short: it has/) as string,
      });
    }
  });
});

test.each([
  ['a web page', '\n<!DOCTYPE html><html>'],
  ['a zip archive', 'PK\u0003\u0004'],
  ['a 7z archive', ''],
  ['an empty file', ''],
  ['not an image of a disc', 'x'.repeat(100_000)],
])('refuses %s', async (what, content) => {
  const path = join(temporaryDirectory(), 'win.iso');
  writeFileSync(path, what === 'a 7z archive' ? Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]) : content);
  await expect(inspectMedium(path)).rejects.toMatchObject({ code: 'media', message: `\`${path}\` is ${what}` });
});

test('refuses a missing file', async () => {
  await expect(inspectMedium('/nonexistent/win.iso')).rejects.toMatchObject({ code: 'io' });
});

describe.each([
  { hasMetadata: false, files: 'short', isExtended: false },
  { hasMetadata: false, files: 'long', isExtended: true },
  { hasMetadata: false, files: 'inline', isExtended: true },
  { hasMetadata: true, files: 'long', isExtended: true },
] satisfies UdfForm[])('UDF with %o', (form) => {
  test('finds files in any case, and reads them', async () => {
    const path = join(temporaryDirectory(), 'x.iso');
    const content = new Uint8Array(form.files === 'inline' ? 500 : 5000).map((_, i) => i % 251);
    const holeBytes = 4_718_592_000;
    writeUdf(
      path,
      { Sources: { 'install.wim': content, Ünïcode: new Uint8Array(1), hole: holeBytes }, empty: {} },
      form,
    );
    const image = await ImageFile.open(path);
    onTestFinished(() => image.close());
    expect(await hasUdf(image)).toBe(true);
    const volume = await openUdf(image);
    expect([volume.format, volume.label]).toEqual([form.hasMetadata ? 'UDF 2.50' : 'UDF 2.01', 'TEST']);
    expect((await volume.root.list()).map(({ name, isDirectory }) => [name, isDirectory])).toEqual([
      ['Sources', true],
      ['empty', true],
    ]);
    const file = await find(volume, 'SOURCES/INSTALL.WIM');
    const { sizeBytes, extents } = (await file?.content()) ?? { sizeBytes: 0, extents: [] };
    expect(sizeBytes).toBe(content.length);
    expect(Buffer.compare(await image.bytesOf(extents, 10, 400), content.subarray(10, 410))).toBe(0);
    expect(await find(volume, 'sources/ünïcode')).toBeDefined();
    expect((await (await find(volume, 'sources/hole'))?.content())?.sizeBytes).toBe(holeBytes);
    expect(await find(volume, 'sources/none')).toBeUndefined();
    expect(await find(volume, 'sources/install.wim/x')).toBeUndefined();
  });
});
