import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { ARCHIVE_LIMITS, listMembers } from '../../src/input/archive-members.ts';
import type { ArchiveLimits, ArchiveToRead } from '../../src/input/archive-members.ts';
import { tarOf } from '../support/tar.ts';
import { hasTool } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'cygstrap-members-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RELEASE = join(import.meta.dirname, '../../fixtures/release/x86_64/release');
const XZ = join(RELEASE, 'cygwin/cygwin-3.5.4-1-x86_64.tar.xz');
const ZST = join(RELEASE, 'gcc-g++/gcc-g++-13.2.0-1-x86_64.tar.zst');

const CYGWIN = [
  { path: 'usr/share/doc/cygwin/README', type: 'file', size: 55 },
  { path: 'usr/share/doc/cygwin/words.txt', type: 'file', size: expect.any(Number) as number },
];

function archiveAt(location: string): ArchiveToRead {
  const hex = createHash('sha512').update(readFileSync(location)).digest('hex');
  return { location, sizeBytes: statSync(location).size, digest: { algorithm: 'sha512', hex } };
}

function archiveOf(bytes: Uint8Array): ArchiveToRead {
  const location = join(folder, `${Math.random()}`);
  writeFileSync(location, bytes);
  return archiveAt(location);
}

const hasXz = hasTool('xz') || process.env['CI'] !== undefined;

describe('the members of an archive', () => {
  test('of xz', async () => {
    expect(await listMembers(archiveAt(XZ))).toEqual({ members: CYGWIN });
  });

  test.skipIf(!hasXz)('of xz, by the program `xz` (skipped without)', async () => {
    const limits = { ...ARCHIVE_LIMITS, programMinBytes: 0, maxHeldBytes: 0 };
    expect(await listMembers(archiveAt(XZ), { limits })).toEqual({ members: CYGWIN });
  });

  test('of zst, gz, bz2 and without compression', async () => {
    const members = [{ path: 'etc/a', type: 'file', size: 0 }];
    const tar = await tarOf([{ name: 'etc/a' }]);
    expect(await listMembers(archiveOf(gzipSync(tar)))).toEqual({ members });
    expect(await listMembers(archiveOf(tar))).toEqual({ members });
    expect(await listMembers(archiveAt(ZST))).toEqual({
      members: [{ path: 'usr/share/doc/gcc-g++/README', type: 'file', size: 35 }],
    });
    // An empty file by bzip2: setup accepts it as an archive without files.
    const emptyBz2 = Buffer.from('425a683917724538509000000000', 'hex');
    expect(await listMembers(archiveOf(emptyBz2))).toEqual({ members: [] });
  });

  test('names without ./ and /, types, targets, and odd characters', async () => {
    const tar = await tarOf([
      { name: './', type: 'directory' },
      { name: './usr/', type: 'directory' },
      { name: '/etc/a\u001b[31m\nb' },
      { name: 'usr/bin/awk', type: 'symlink', linkname: 'gawk.exe' },
      { name: 'usr/bin/gawk-5', type: 'link', linkname: 'usr/bin/gawk.exe' },
      { name: '../../outside' },
      { name: `usr/${'d/'.repeat(120)}long` },
    ]);
    expect(await listMembers(archiveOf(tar))).toEqual({
      members: [
        { path: 'usr', type: 'directory', size: 0 },
        { path: 'etc/a\u001b[31m\nb', type: 'file', size: 0 },
        { path: 'usr/bin/awk', type: 'symlink', size: 0, target: 'gawk.exe' },
        { path: 'usr/bin/gawk-5', type: 'link', size: 0, target: 'usr/bin/gawk.exe' },
        { path: '../../outside', type: 'file', size: 0 },
        { path: `usr/${'d/'.repeat(120)}long`, type: 'file', size: 0 },
      ],
    });
  });

  test('another digest', async () => {
    const digest = { algorithm: 'md5', hex: '0'.repeat(32) } as const;
    expect(await listMembers({ ...archiveAt(XZ), digest })).toEqual({ why: 'its md5 differs from that of the index' });
  });

  test('an archive without digest is listed', async () => {
    expect(await listMembers({ ...archiveAt(XZ), digest: undefined })).toEqual({ members: CYGWIN });
  });

  test.each([
    ['truncated xz', readFileSync(XZ).subarray(0, 600)],
    ['damaged zst', Buffer.concat([readFileSync(ZST).subarray(0, 20), Buffer.alloc(80)])],
    ['truncated gz', gzipSync(Buffer.alloc(2000)).subarray(0, 20)],
    ['a text', Buffer.alloc(1024, 'text ')],
    ['a compressed text', gzipSync(Buffer.alloc(1024, 'text '))],
  ])('%s gives the reason', async (_name, bytes) => {
    for (const programMinBytes of [0, Infinity]) {
      const limits = { ...ARCHIVE_LIMITS, programMinBytes };
      expect(await listMembers(archiveOf(bytes), { limits })).toEqual({ why: expect.stringMatching(/./) as string });
    }
  });

  const LARGER: readonly (readonly [string, string, Partial<ArchiveLimits>, string])[] = [
    ['archive', XZ, { maxHeldBytes: 100 }, 'it has more than 100 bytes, too many without the program `xz`'],
    ['archive of zst', ZST, { maxHeldBytes: 100 }, 'it has more than 100 bytes, too many'],
    ['tar', XZ, { maxHeldTarBytes: 1000 }, 'it holds more than 1000 bytes'],
    ['list', XZ, { maxListBytes: 180 }, 'the list of its files would need more than 180 bytes'],
    ['tar by `xz`', XZ, { programMinBytes: 0, maxTarBytes: 1000 }, 'it holds more than 1000 bytes'],
  ];
  test.each(LARGER.slice(0, hasXz ? undefined : -1))(
    'a larger %s than the limit is not listed',
    async (_name, location, some, why) => {
      expect(await listMembers(archiveAt(location), { limits: { ...ARCHIVE_LIMITS, ...some } })).toEqual({ why });
    },
  );

  test('members with short names count too', async () => {
    const tar = await tarOf(Array.from({ length: 20 }, () => ({ name: 'a' })));
    const limits = { ...ARCHIVE_LIMITS, maxListBytes: 1000 };
    expect(await listMembers(archiveOf(tar), { limits })).toEqual({
      why: 'the list of its files would need more than 1000 bytes',
    });
  });

  test('stops when it is aborted', async () => {
    const signal = AbortSignal.abort(new RangeError('stop'));
    await expect(listMembers(archiveAt(XZ), { signal })).rejects.toThrow('stop');
  });

  test('a missing file is an error of the system', async () => {
    const archive = { location: join(folder, 'none'), sizeBytes: 1, digest: undefined };
    await expect(listMembers(archive)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
