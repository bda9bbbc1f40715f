import fc from 'fast-check';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { MediaError } from '../../src/media/base/media-error.ts';
import { findFiles } from '../../src/media/inspect/wim-files.ts';
import { inspectMedium } from '../../src/media/inspect/inspect.ts';
import { decodeLzx } from '../../src/media/inspect/wim-lzx.ts';
import { ResourceReader } from '../../src/media/inspect/wim-resource.ts';
import { metadataOf } from '../../src/media/inspect/wim-table.ts';
import { decodeXpress } from '../../src/media/inspect/wim-xpress.ts';
import { readWimHeader, readWimXml } from '../../src/media/inspect/wim.ts';
import { lzxSamples } from '../media/inspect/lzx-writer.ts';
import { BOOT, makeIso, makeTree, makeUdf, SERVER_2022 } from '../media/inspect/media.ts';
import { writeUdf } from '../media/inspect/udf-writer.ts';
import { attack } from './support.ts';

const dir = mkdtempSync(join(tmpdir(), 'cygstrap-attack-media-'));
afterAll(() => rmSync(dir, { recursive: true }));

const tree = makeTree(dir, { editions: SERVER_2022, boot: BOOT, files: { 'sources/lang.ini': 'x' } });
const wim = readFileSync(join(tree, 'sources/install.wim'));
const metadata = join(dir, 'metadata.iso');
writeUdf(
  metadata,
  { sources: { 'install.wim': wim, 'boot.wim': readFileSync(join(tree, 'sources/boot.wim')) }, efi: { boot: {} } },
  { hasMetadata: true, files: 'long', isExtended: true },
);
const IMAGES = [
  ['UDF 1.02 beside ISO 9660', makeUdf(dir, tree, 'udf.iso'), 25_000],
  ['UDF 2.50', metadata, 25_000],
  ['ISO 9660 and Joliet', makeIso(dir, tree, 'iso.iso'), 40_000],
] as const;

/** Some bytes at places that matter: mostly not zero in the image. */
const mutation = fc.array(fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }), {
  minLength: 1,
  maxLength: 3,
});

for (const [name, path, count] of IMAGES) {
  const original = readFileSync(path);
  const places = [...original.keys()].filter((at) => original[at] !== 0);
  attack(
    `an image of a Windows medium with changed bytes: ${name}`,
    'an answer, or an error that says what is damaged',
    { count, from: mutation },
    async (changes) => {
      const file = openSync(path, 'r+');
      const undo = changes.map(({ at, bytes }) => {
        const place = places[at % places.length] ?? 0;
        writeSync(file, bytes.subarray(0, original.length - place), 0, undefined, place);
        return [place, original.subarray(place, place + bytes.length)] as const;
      });
      try {
        await inspectMedium(path).catch((error: unknown) => {
          if (!(error instanceof MediaError)) throw error;
        });
      } finally {
        for (const [place, bytes] of undo.toReversed()) writeSync(file, bytes, 0, undefined, place);
        closeSync(file);
      }
    },
  );
}

attack(
  'a WIM with changed bytes in its header or XML',
  'its images, or an error that says what is damaged',
  { count: 10_000, from: mutation },
  (changes) => {
    const { xml } = readWimHeader(wim, 'install.wim');
    const bytes = Buffer.from(wim);
    for (const { at, bytes: some } of changes) {
      const place = at % (208 + xml.sizeBytes);
      bytes.set(some.subarray(0, 4), place < 208 ? Math.min(place, 200) : xml.startByte + place - 208 - 4);
    }
    try {
      const header = readWimHeader(bytes, 'install.wim');
      const { startByte, sizeBytes } = header.xml;
      expect(Array.isArray(readWimXml(bytes.subarray(startByte, startByte + sizeBytes), 'install.wim'))).toBe(true);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
    }
  },
);

/** Calls a function. An error must say what is damaged or not supported. */
async function orMediaError(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
  }
}

/** Files of each image of a `boot.wim`: enough for two chunks of metadata. */
const MANY = Object.fromEntries(
  Array.from({ length: 250 }, (_, i) => [`Windows/System32/api-ms-win-core-file-l1-2-${i}.dll`, 'MZ']),
);

/** Those of each compression, with the places of their header, table and metadata. */
const BOOT_WIMS = await Promise.all(
  (['LZX', 'XPRESS', 'none'] as const).map(async (bootCompression) => {
    const boot = BOOT.map((image) => ({ ...image, files: { ...MANY, 'Windows/Panther/unattend.xml': 'x' } }));
    const bytes = readFileSync(
      join(makeTree(join(dir, bootCompression), { boot, bootCompression }), 'sources/boot.wim'),
    );
    const { table } = readWimHeader(bytes, 'boot.wim');
    const read = async (start: number, size: number): Promise<Buffer> => bytes.subarray(start, start + size);
    const parts = [table, ...(await metadataOf(read, readWimHeader(bytes, 'boot.wim')))];
    const places = parts.flatMap(({ startByte, storedBytes }) =>
      Array.from({ length: storedBytes }, (_, i) => startByte + i),
    );
    return { bytes, places: [...Array(208).keys(), ...places] };
  }),
);

attack(
  'a boot.wim with changed bytes in its header, table or metadata (LZX, XPRESS, none)',
  'its answer files, or an error that says what is damaged',
  { count: 15_000, from: fc.tuple(fc.constantFrom(...BOOT_WIMS), mutation) },
  async ([{ bytes, places }, changes]) => {
    const changed = Buffer.from(bytes);
    for (const { at, bytes: some } of changes) {
      const place = places[at % places.length] ?? 0;
      changed.set(some.subarray(0, changed.length - place), place);
    }
    const read = async (start: number, size: number): Promise<Buffer> => {
      if (start + size > changed.length) throw new MediaError('damaged', 'a file ends too early');
      return changed.subarray(start, start + size);
    };
    await orMediaError(async () => {
      const header = readWimHeader(changed, 'boot.wim');
      for (const metadata of await metadataOf(read, header))
        await findFiles(new ResourceReader(read, metadata, header.compression), [
          'Windows/Panther/unattend.xml',
          'a/b',
        ]);
    });
  },
);

attack(
  'chunks of a WIM: changed bytes in LZX, any bytes in LZX and XPRESS',
  'decompressed bytes, or an error that says what is damaged',
  { count: 10_000, from: fc.tuple(lzxSamples, mutation, fc.uint8Array({ maxLength: 600 })) },
  async ([{ stored, plain }, changes, any]) => {
    const changed = Uint8Array.from(stored);
    for (const { at, bytes } of changes) changed.set(bytes.subarray(0, 1), at % changed.length);
    await orMediaError(() => decodeLzx(changed, plain.length));
    await orMediaError(() => decodeLzx(any, 32_768));
    await orMediaError(() => decodeXpress(any, 65_536));
  },
);
