import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { MemberCache } from '../../src/input/member-cache.ts';
import type { ArchiveMember } from '../../src/input/archive-members.ts';

const folder = mkdtempSync(join(tmpdir(), 'cygstrap-lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

const DIGEST = 'ab'.repeat(64);
const MEMBERS: readonly ArchiveMember[] = [
  { path: 'usr/bin/a\nb', type: 'file', size: 5 },
  { path: 'usr/bin/c', type: 'symlink', size: 0, target: 'a' },
];

let count = 0;

function newCache() {
  const directory = join(folder, `${count++}`, 'lists');
  const notes: string[] = [];
  return { directory, notes, cache: new MemberCache(directory, (note) => notes.push(note)) };
}

describe('the cache of lists', () => {
  test('returns what was stored, and nothing for another digest', async () => {
    const { cache, notes, directory } = newCache();
    expect(await cache.read(DIGEST)).toBeUndefined();
    await cache.write(DIGEST, MEMBERS);
    expect(await cache.read(DIGEST)).toEqual(MEMBERS);
    expect(await cache.read('cd'.repeat(64))).toBeUndefined();
    expect(readdirSync(directory)).toEqual([`${DIGEST}.gz`]);
    expect(notes).toEqual([]);
  });

  test('a damaged entry is not used', async () => {
    const { cache, notes, directory } = newCache();
    await cache.write(DIGEST, MEMBERS);
    const path = join(directory, `${DIGEST}.gz`);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path, damaged);
      // Bytes 4 to 9 are the time, the flags of compression and the system, which have no meaning here.
      expect([undefined, ...(at >= 4 && at <= 9 ? [MEMBERS] : [])]).toContainEqual(await cache.read(DIGEST));
      writeFileSync(path, whole.subarray(0, at));
      expect(await cache.read(DIGEST)).toBeUndefined();
    }
    expect(notes[0]).toContain('cannot be used');
    await cache.write(DIGEST, MEMBERS);
    expect(await cache.read(DIGEST)).toEqual(MEMBERS);
  });

  test('the entry of another archive is not used', async () => {
    const { cache, notes, directory } = newCache();
    await cache.write(DIGEST, MEMBERS);
    const text = gunzipSync(readFileSync(join(directory, `${DIGEST}.gz`)));
    const other = 'cd'.repeat(64);
    writeFileSync(join(directory, `${other}.gz`), gzipSync(text));
    expect(await cache.read(other)).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining('it is of another archive or form')]);
  });

  test.each([
    '{}',
    '[null]',
    '[{"path":"a"}]',
    '[{"path":"a","type":"x","size":0}]',
    '[{"path":1,"type":"file","size":0}]',
  ])('an entry with %s is not used', async (json) => {
    const { cache, notes, directory } = newCache();
    await cache.write(DIGEST, MEMBERS);
    writeFileSync(join(directory, `${DIGEST}.gz`), gzipSync(`cygstrap members 1 ${DIGEST}\n${json}`));
    expect(await cache.read(DIGEST)).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining('it is of another archive or form')]);
  });

  test('entries that are not used any more are removed', async () => {
    const { cache, directory } = newCache();
    const [used, unused, third] = ['12', '34', '56'].map((pair) => pair.repeat(64));
    for (const digest of [used, unused]) {
      await cache.write(digest ?? '', MEMBERS);
      utimesSync(join(directory, `${digest}.gz`), 1, 1);
    }
    writeFileSync(join(directory, 'other.gz'), '');
    utimesSync(join(directory, 'other.gz'), 1, 1);
    expect(await cache.read(used ?? '')).toEqual(MEMBERS);
    await new MemberCache(directory, () => {}).write(third ?? '', MEMBERS);
    expect(readdirSync(directory).sort()).toEqual([`${used}.gz`, `${third}.gz`, 'other.gz']);
  });

  test('a bomb in the place of an entry is not used', async () => {
    const { cache, directory } = newCache();
    await cache.write(DIGEST, MEMBERS);
    // The members of a gzip file are one text.
    const begin = gzipSync(`cygstrap members 1 ${DIGEST}\n[`);
    const blanks = gzipSync(Buffer.alloc(1 << 20, ' '));
    const bomb = [begin, ...Array.from({ length: 128 }, () => blanks), gzipSync(']')];
    writeFileSync(join(directory, `${DIGEST}.gz`), Buffer.concat(bomb));
    expect(await cache.read(DIGEST)).toBeUndefined();
    writeFileSync(join(directory, `${DIGEST}.gz`), Buffer.concat([begin, blanks, gzipSync(']')]));
    expect(await cache.read(DIGEST)).toEqual([]);
  });

  test('a directory that cannot be written is a note', async () => {
    const { directory, notes } = newCache();
    writeFileSync(join(folder, 'file'), '');
    const cache = new MemberCache(join(folder, 'file', 'lists'), (note) => notes.push(note));
    await cache.write(DIGEST, MEMBERS);
    expect(await cache.read(DIGEST)).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining('is not cached')]);
    expect(directory).not.toBe('');
  });

  test('old temporary files are removed', async () => {
    const { cache, directory } = newCache();
    await cache.write(DIGEST, MEMBERS);
    const left = join(directory, `${DIGEST}.gz.0123456789abcdef.tmp`);
    writeFileSync(left, '');
    utimesSync(left, 1, 1);
    await new MemberCache(directory, () => {}).write(DIGEST, MEMBERS);
    expect(readdirSync(directory)).toEqual([`${DIGEST}.gz`]);
  });
});
