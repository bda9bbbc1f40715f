import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TarFault, readTar } from '../../src/io/tar-read.ts';
import { tarOf } from '../support/tar.ts';

/** Yields the bytes in chunks; adds to `ends` when it is closed. */
async function* chunksOf(bytes: Uint8Array, size = 1000, ends: string[] = []): AsyncGenerator<Uint8Array, void> {
  try {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  } finally {
    ends.push('closed');
  }
}

/** Returns the members, with their text unless it is skipped. */
async function membersOf(source: AsyncIterable<Uint8Array>, isSkipped = false): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, type, sizeBytes, target, chunks } of readTar(source)) {
    const parts: Uint8Array[] = [];
    if (!isSkipped) for await (const chunk of chunks) parts.push(chunk);
    const text = isSkipped ? '' : ` "${Buffer.concat(parts).toString().slice(0, 10)}"`;
    found.push(`${type} ${name} ${sizeBytes}${target === undefined ? '' : ` -> ${target}`}${text}`);
  }
  return found;
}

const LONG = `${'directory/'.repeat(30)}${'n'.repeat(200)}`;
const MEMBERS = await tarOf([
  { name: 'a', bytes: 'one' },
  { name: 'empty' },
  { name: 'd/', type: 'directory' },
  { name: 'link', type: 'symlink', linkname: `../${'t'.repeat(150)}` },
  { name: LONG, bytes: 'x'.repeat(2000) },
  { name: 'é', type: 'link', linkname: 'a' },
]);
const LISTED = [
  'file a 3 "one"',
  'file empty 0 ""',
  'directory d/ 0 ""',
  `symlink link 0 -> ../${'t'.repeat(150)} ""`,
  `file ${LONG} 2000 "xxxxxxxxxx"`,
  'link é 0 -> a ""',
];

test.each([1, 511, 512, 700, 100_000])('lists and reads members, in chunks of %i bytes', async (size) => {
  expect(await membersOf(chunksOf(MEMBERS, size))).toEqual(LISTED);
});

test('skips what the caller does not read', async () => {
  expect(await membersOf(chunksOf(MEMBERS), true)).toEqual(LISTED.map((each) => each.replace(/ "[^"]*"$/, '')));
});

test.each(['gnu', 'pax', 'ustar'])('reads what the program `tar` writes as %s', async (format) => {
  const dir = mkdtempSync(join(tmpdir(), 'cygstrap-tar-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const name = 'n'.repeat(format === 'ustar' ? 90 : 180);
  writeFileSync(join(dir, name), 'long');
  symlinkSync(format === 'ustar' ? 'short' : 't'.repeat(120), join(dir, 'link'));
  const tar = execFileSync('tar', ['-C', dir, `--format=${format}`, '-cf', '-', name, 'link']);
  const target = format === 'ustar' ? 'short' : 't'.repeat(120);
  expect(await membersOf(chunksOf(tar))).toEqual([`file ${name} 4 "long"`, `symlink link 0 -> ${target} ""`]);
});

test('no bytes at all are a tar without members', async () => {
  expect(await membersOf(chunksOf(Buffer.alloc(0)))).toEqual([]);
  expect(await membersOf(chunksOf(Buffer.alloc(1024)))).toEqual([]);
});

test('every truncation is refused', async () => {
  for (let size = 1; size < MEMBERS.length; size += 61)
    await expect(membersOf(chunksOf(MEMBERS.subarray(0, size)), size % 2 === 0), `${size}`).rejects.toThrow(TarFault);
  for (const size of [512, 1024, MEMBERS.length - 1024, MEMBERS.length - 512, MEMBERS.length - 1])
    await expect(membersOf(chunksOf(MEMBERS.subarray(0, size))), `${size}`).rejects.toThrow(TarFault);
});

test('a damaged header, a negative size and bytes after the end are refused', async () => {
  const flipped = Buffer.from(MEMBERS);
  flipped[1024 + 2] = 0x41;
  await expect(membersOf(chunksOf(flipped))).rejects.toThrow(TarFault);
  await expect(membersOf(chunksOf(Buffer.concat([MEMBERS, Buffer.from('more')])))).rejects.toThrow(TarFault);
  await expect(membersOf(chunksOf(Buffer.alloc(2048, 'no tar')))).rejects.toThrow(TarFault);
  const negative = Buffer.from(MEMBERS);
  negative.fill(0xff, 124, 136);
  negative.write(`${checksum(negative.subarray(0, 512)).toString(8).padStart(6, '0')}\0 `, 148);
  await expect(membersOf(chunksOf(negative))).rejects.toThrow(TarFault);
});

/** The sum of a header with spaces in the place of the sum. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

test('an error of the source is passed on unchanged', async () => {
  const failed = new Error('the disk fails');
  async function* failing(): AsyncGenerator<Uint8Array, void> {
    yield MEMBERS.subarray(0, 3000);
    throw failed;
  }
  await expect(membersOf(failing())).rejects.toBe(failed);
  await expect(membersOf(failing(), true)).rejects.toBe(failed);
  await expect(membersOf(createReadStream('/nowhere/x.tar'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('stopping early closes the source', async () => {
  const large = await tarOf([
    { name: 'a', bytes: Buffer.alloc(5_000_000) },
    { name: 'b', bytes: 'x' },
  ]);
  for (const isRead of [false, true]) {
    const ends: string[] = [];
    for await (const { chunks } of readTar(chunksOf(large, 65_536, ends))) {
      if (isRead) for await (const chunk of chunks) if (chunk.length > 0) break;
      break;
    }
    expect(ends).toEqual(['closed']);
  }
});

test('memory is bounded: the source is read as the caller reads', async () => {
  let readBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunksOf(await tarOf([{ name: 'a', bytes: Buffer.alloc(20_000_000) }]), 65_536)) {
      readBytes += chunk.length;
      yield chunk;
    }
  }
  for await (const { chunks } of readTar(counted())) {
    for await (const chunk of chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(readBytes).toBeLessThan(4_000_000);
    break;
  }
});
