import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync, statSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { exists, makeDirectory, namesIn } from '../../src/io/directories.ts';
import { sha256OfFile } from '../../src/io/file-digest.ts';
import { identityOf } from '../../src/io/file-identity.ts';
import { quoteCommand, quoteWord } from '../../src/io/quoting.ts';
import { readLimited } from '../../src/io/read-limited.ts';
import { hasCode, isMissing } from '../../src/io/system-error.ts';
import { readUntrustedFile } from '../../src/io/untrusted-file.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { emptyDirectory } from './support.ts';

test('the codes of errors', () => {
  const error = Object.assign(new Error('x'), { code: 'ENOENT' });
  expect(hasCode(error, 'EEXIST', 'ENOENT')).toBe(true);
  expect(hasCode(error, 'EEXIST')).toBe(false);
  expect(hasCode({ code: 'ENOENT' }, 'ENOENT')).toBe(false);
  expect(isMissing(error)).toBe(true);
  expect(isMissing(new Error('x'))).toBe(false);
});

describe('quoting', () => {
  test.each([
    ['plain-1.0/x', 'plain-1.0/x'],
    ['', "''"],
    ['two words', "'two words'"],
    ["it's", String.raw`'it'\''s'`],
    ['$HOME', "'$HOME'"],
    ['a\nb', "'a\nb'"],
    ['ä', "'ä'"],
  ])('%j', (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });

  test('a command, and the character NUL', () => {
    expect(quoteCommand(['qemu', '-name', 'a b'])).toBe("qemu -name 'a b'");
    expect(() => quoteWord('a\0b')).toThrow(TypeError);
  });
});

describe('the cache directory of a user', () => {
  const linux = { platform: 'linux', home: '/home/me' };
  const windows = { platform: 'win32', home: String.raw`C:\Users\me` };

  test.each([
    [{}, linux, '/home/me/.cache/cygstrap'],
    [{ XDG_CACHE_HOME: '/var/cache/me' }, { ...linux, platform: 'darwin' }, '/var/cache/me/cygstrap'],
    [{ XDG_CACHE_HOME: '' }, linux, '/home/me/.cache/cygstrap'],
    [{ XDG_CACHE_HOME: 'relative' }, linux, '/home/me/.cache/cygstrap'],
    [{ LOCALAPPDATA: String.raw`D:\local`, XDG_CACHE_HOME: '/x' }, windows, String.raw`D:\local\cygstrap`],
    [{}, windows, String.raw`C:\Users\me\AppData\Local\cygstrap`],
  ])('%j on %j', (environment, system, expected) => {
    expect(userCacheDirectory(environment, system)).toBe(expected);
  });
});

describe('readLimited', () => {
  async function* chunks(...sizes: readonly number[]): AsyncGenerator<Uint8Array, void, undefined> {
    for (const size of sizes) yield new Uint8Array(size);
  }

  test('returns up to the limit, and undefined above it', async () => {
    expect(await readLimited(chunks(2, 3), 5)).toHaveLength(5);
    expect(await readLimited(chunks(2, 3, 1), 5)).toBeUndefined();
    expect(await readLimited(chunks(), 0)).toHaveLength(0);
  });

  test('gathers single bytes in few buffers', async () => {
    const alloc = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const bytes = await readLimited(chunks(...Array.from({ length: 100_000 }, () => 1)), 100_000);
    expect(bytes).toHaveLength(100_000);
    expect(alloc.mock.calls.length).toBeLessThan(20);
    alloc.mockRestore();
  });

  test('stops reading at the limit', async () => {
    const source = chunks(4, 4, 4);
    expect(await readLimited(source, 5)).toBeUndefined();
    expect(await source.next()).toEqual({ done: true, value: undefined });
  });
});

describe('directories', () => {
  test('creates missing parents, and accepts existing ones', async () => {
    const path = join(emptyDirectory(), 'a', 'b', 'c');
    await Promise.all([makeDirectory(path), makeDirectory(path)]);
    await makeDirectory(path);
    expect(existsSync(path)).toBe(true);
  });

  test.skipIf(process.platform !== 'linux')('ends where no directory can be created', async () => {
    await expect(makeDirectory('/proc/cygstrap/a/b')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('names and existence', async () => {
    const directory = emptyDirectory();
    writeFileSync(join(directory, 'file'), '');
    expect(await namesIn(directory)).toEqual(['file']);
    expect(await namesIn(join(directory, 'missing'))).toEqual([]);
    expect(await namesIn(join(directory, 'file'))).toEqual([]);
    expect(await exists(join(directory, 'file'))).toBe(true);
    expect(await exists(join(directory, 'missing'))).toBe(false);
  });
});

test('a write changes the identity of a file, even when its time is set back', async () => {
  const directory = emptyDirectory();
  const path = join(directory, 'file');
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, 'abc');
  const before = await identityOf(path);
  expect(await identityOf(path)).toBe(before);
  const { atime, mtime } = statSync(path);
  writeFileSync(path, 'abd');
  utimesSync(path, atime, mtime);
  expect(await identityOf(path)).not.toBe(before);
  copyFileSync(path, join(directory, 'copy'));
  expect(await identityOf(join(directory, 'copy'))).not.toBe(await identityOf(path));
});

test('the digest of a file', async () => {
  const path = join(emptyDirectory(), 'file');
  writeFileSync(path, 'abc');
  expect(await sha256OfFile(path)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

describe('a file that another program may have replaced', () => {
  test('is read up to the limit', async () => {
    const path = join(emptyDirectory(), 'file');
    writeFileSync(path, '12345');
    expect((await readUntrustedFile(path, 5))?.toString()).toBe('12345');
    expect(await readUntrustedFile(path, 4)).toBeUndefined();
  });

  test.skipIf(process.platform === 'win32')(
    'is not read if it is a link, a FIFO, a directory, a device or missing (skipped on Windows)',
    async () => {
      const directory = emptyDirectory();
      const path = (name: string): string => join(directory, name);
      writeFileSync(path('file'), 'x');
      symlinkSync(path('file'), path('link'));
      execFileSync('mkfifo', [path('fifo')]);
      for (const name of ['link', 'fifo', '', 'missing'])
        expect(await readUntrustedFile(path(name), 9)).toBeUndefined();
      expect(await readUntrustedFile('/dev/zero', 9)).toBeUndefined();
    },
  );
});
