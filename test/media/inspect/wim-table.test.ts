import { expect, test } from 'vitest';
import { findFiles } from '../../../src/media/inspect/wim-files.ts';
import { ResourceReader } from '../../../src/media/inspect/wim-resource.ts';
import { metadataOf } from '../../../src/media/inspect/wim-table.ts';
import type { WimHeader } from '../../../src/media/inspect/wim.ts';
import { entry, END, SECURITY } from './metadata-writer.ts';

const PLAIN = { method: 'none', chunkBytes: 0 } as const;

/** A table of resources: the metadata entries by their number, with the number of references. */
function tableOf(entries: number, metadata: Readonly<Record<number, number>>): Buffer {
  const table = Buffer.alloc(entries * 50);
  for (let i = 0; i < entries; i++) {
    table.writeUInt8(i in metadata ? 2 : 0, i * 50 + 7);
    table.writeBigUInt64LE(BigInt(i), i * 50 + 8);
    table.writeUInt32LE(metadata[i] ?? 1, i * 50 + 26);
  }
  return table;
}

/** Returns a function that reads from bytes, and how many it has read. */
function reader(bytes: Buffer): { read: (start: number, size: number) => Promise<Buffer>; readBytes: () => number } {
  let count = 0;
  const read = async (start: number, size: number): Promise<Buffer> => {
    count += size;
    return bytes.subarray(start, start + size);
  };
  return { read, readBytes: () => count };
}

function find(table: Buffer, images: number): { found: Promise<number[]>; readBytes: () => number } {
  const { read, readBytes } = reader(table);
  const resource = { flags: 0, startByte: 0, storedBytes: table.length, sizeBytes: table.length };
  const header = { images, table: resource, compression: PLAIN } as WimHeader;
  return { found: metadataOf(read, header).then((all) => all.map(({ startByte }) => startByte)), readBytes };
}

test.each([
  ['at the start', { 0: 1, 1: 1 }],
  ['at the end', { 19_998: 1, 19_999: 1 }],
  ['at both ends', { 0: 1, 19_999: 1 }],
])('metadata %s of a table of 20,000 resources is found in less than 128 KiB of it', async (_, metadata) => {
  const { found, readBytes } = find(tableOf(20_000, metadata), 2);
  expect(await found).toEqual(Object.keys(metadata).map(Number));
  expect(readBytes()).toBeLessThan(128 << 10);
});

test('metadata anywhere in a table is found, in its order; metadata without references is none', async () => {
  expect(await find(tableOf(5000, { 7: 0, 900: 1, 2500: 0, 4999: 1 }), 2).found).toEqual([900, 4999]);
});

test.each([
  ['too few', 3, /has 3 images, but metadata of 2/],
  ['too many images', 17, /has 17 images/],
  ['no images', 0, /has 0 images/],
])('a table with %s is damage', async (_, images, message) => {
  await expect(find(tableOf(10, { 1: 1, 2: 1 }), images).found).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringMatching(message) as string,
  });
});

test('directories that are on no path are not read', async () => {
  const root = Buffer.concat([SECURITY, entry('', 1), END]).length;
  const children = ['big', 'Windows']
    .map((name) => entry(name, 1))
    .reduce((sum, { length }) => sum + length, END.length);
  const big = Array.from({ length: 10_000 }, (_, i) => entry(`file ${i}`));
  const windows = root + children + big.reduce((sum, { length }) => sum + length, END.length);
  const metadata = Buffer.concat([
    SECURITY,
    entry('', root),
    END,
    entry('big', root + children),
    entry('Windows', windows),
    END,
    ...big,
    END,
    entry('unattend.xml'),
    END,
  ]);
  expect(metadata.length).toBeGreaterThan(1 << 20);
  const { read, readBytes } = reader(metadata);
  const resource = { flags: 2, startByte: 0, storedBytes: metadata.length, sizeBytes: metadata.length };
  expect(await findFiles(new ResourceReader(read, resource, PLAIN), ['Windows/unattend.xml'])).toHaveLength(1);
  expect(readBytes()).toBeLessThanOrEqual(64 << 10);
});
