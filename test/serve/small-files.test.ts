import { renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SmallFiles } from '../../src/serve/small-files.ts';
import type { SmallFile } from '../../src/serve/small-files.ts';
import { put, repo, send } from './support.ts';

const PATH = 'x86_64/release/kept.tar.xz';
const FULL = join(repo, PATH);

async function get(): Promise<string> {
  const { status, body } = await send(`/${PATH}`);
  return status === 200 ? body.toString() : String(status);
}

describe('a small file whose content is kept', () => {
  beforeEach(async () => {
    put(PATH, 'first');
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now + 60_000);
    expect([await get(), await get()]).toEqual(['first', 'first']);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(FULL, { force: true });
  });

  test('and that is edited, with its times set back, is read again', async () => {
    const { atime, mtime } = statSync(FULL);
    writeFileSync(FULL, 'other');
    utimesSync(FULL, atime, mtime);
    expect(await get()).toBe('other');
  });

  test('and that is replaced or removed is not sent any more', async () => {
    put(`${PATH}.new`, 'other');
    renameSync(`${FULL}.new`, FULL);
    expect(await get()).toBe('other');
    rmSync(FULL);
    expect(await get()).toBe('404');
    symlinkSync('large.tar.xz', FULL);
    expect(await get()).toBe('403');
  });

  test('is sent in parts too', async () => {
    const { status, body } = await send(`/${PATH}`, { headers: { range: 'bytes=1-2' } });
    expect({ status, body: body.toString() }).toEqual({ status: 206, body: 'ir' });
  });
});

describe('kept content', () => {
  const file = (etag: string, bytes: number): SmallFile => ({
    state: { sizeBytes: bytes, etag, modifiedMs: 0 },
    content: new Uint8Array(bytes),
  });

  test('is bounded: the oldest goes first', () => {
    const files = new SmallFiles();
    const one = file('a', 1024 * 1024);
    for (let i = 0; i < 40; i++) files.keep(String(i), one, 0);
    expect(Array.from({ length: 40 }, (_, i) => files.get(String(i), 'a') !== undefined)).toEqual(
      Array.from({ length: 40 }, (_, i) => i >= 8),
    );
    for (let i = 0; i < 100; i++) files.keep('39', one, 0);
    expect(files.get('8', 'a')).toBe(one);
  });

  test('is that of one entity tag', () => {
    const files = new SmallFiles();
    files.keep('a', file('1', 9), 0);
    expect(files.get('a', '2')).toBeUndefined();
  });

  test('is not that of a file that has just changed: it can change again without another time', () => {
    const files = new SmallFiles();
    files.keep('a', file('1', 9), Date.now());
    expect(files.get('a', '1')).toBeUndefined();
  });
});
