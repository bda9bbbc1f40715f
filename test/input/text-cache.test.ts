import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openIndex, type IndexFacts, type OpenIndexOptions } from '../../src/input/open-index.ts';
import { MAX_CACHED_TEXTS } from '../../src/input/text-cache.ts';
import { collect, cut, failureOf, fixture, FIXTURES, tempDir, TEXT } from './support.ts';

const XZ = fixture('records.xz');
const ENTRY = `${sha512(XZ)}.text2`;

interface Read extends IndexFacts {
  readonly text: Buffer;
  readonly notes: readonly string[];
}

async function read(bytes: Uint8Array, cacheDir: string, options: OpenIndexOptions = {}): Promise<Read> {
  const notes: string[] = [];
  const input = openIndex(cut(bytes, 4096), { ...options, cacheDir, note: (message) => notes.push(message) });
  const text = await collect(input.chunks);
  return { ...input.facts(), text, notes };
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

describe.each(FIXTURES)('$compression', ({ bytes }) => {
  test('the second read uses the cache; the other facts are equal', async () => {
    const dir = join(tempDir(), 'not', 'yet', 'there');
    const first = await read(bytes, dir);
    const second = await read(bytes, dir);
    expect(first).toMatchObject({ isFromCache: false, notes: [] });
    expect(first.text.equals(TEXT)).toBe(true);
    expect(second).toEqual({ ...first, isFromCache: true });
    expect(readdirSync(dir)).toEqual([`${sha512(bytes)}.text2`]);
  });
});

test('plain text is not cached', async () => {
  const dir = tempDir();
  await read(TEXT, dir);
  expect(await read(TEXT, dir)).toMatchObject({ isFromCache: false });
  expect(readdirSync(dir)).toEqual([]);
});

describe('an entry of several megabytes', () => {
  const text = Buffer.concat(Array.from({ length: Math.ceil(5_000_000 / TEXT.length) }, () => TEXT));
  const packed = gzipSync(text);

  test('is read through fewer than four buffers', async () => {
    const dir = tempDir();
    await read(packed, dir);
    const buffers = new Set<ArrayBufferLike>();
    const copies: Uint8Array[] = [];
    for await (const chunk of openIndex(cut(packed, 65_536), { cacheDir: dir }).chunks) {
      buffers.add(chunk.buffer);
      copies.push(Uint8Array.from(chunk));
    }
    expect(buffers.size).toBeLessThan(4);
    expect(Buffer.concat(copies).equals(text)).toBe(true);
  });

  test('truncated while it is read is an error', async () => {
    const dir = tempDir();
    await read(packed, dir);
    const reading = async (): Promise<void> => {
      for await (const chunk of openIndex(cut(packed, 65_536), { cacheDir: dir }).chunks) {
        if (chunk.length > 0) truncateSync(join(dir, `${sha512(packed)}.text2`), 3_000_000);
      }
    };
    expect(await failureOf(reading())).toMatchObject({
      code: 'io',
      message: expect.stringContaining('was truncated while it was read'),
    });
  });
});

/** Flips a bit of one byte. */
function flip(at: number): (entry: Buffer) => Buffer {
  return (entry) => {
    entry[at] = (entry[at] as number) ^ 1;
    return entry;
  };
}

describe('a damaged entry is replaced', () => {
  test.each<[string, (entry: Buffer) => Uint8Array]>([
    ['its first byte', flip(0)],
    ['a byte in the middle', flip(60_000)],
    ['its last byte of text', flip(TEXT.length - 1)],
    ['the trailer', flip(TEXT.length)],
    ['the last byte of the trailer', flip(TEXT.length + 11)],
    ['empty', () => Buffer.alloc(0)],
    ['shorter than a trailer', (entry) => entry.subarray(0, 11)],
    ['a trailer without text', (entry) => entry.subarray(-12)],
    ['truncated', (entry) => entry.subarray(0, -1)],
    ['longer', (entry) => Buffer.concat([entry, Buffer.from('\n')])],
    ['full of zeros', (entry) => entry.fill(0)],
  ])('%s', async (_, damage) => {
    const dir = tempDir();
    await read(XZ, dir);
    const path = join(dir, ENTRY);
    writeFileSync(path, damage(readFileSync(path)));
    const again = await read(XZ, dir);
    expect(again.text.equals(TEXT)).toBe(true);
    expect(again).toMatchObject({
      isFromCache: false,
      notes: [`the cached text is damaged and will be replaced: \`${path}\``],
    });
    expect(await read(XZ, dir)).toMatchObject({ isFromCache: true, notes: [] });
  });

  test('the entry of another index under this name', async () => {
    const dir = tempDir();
    const other = gzipSync('release: other');
    await read(other, dir);
    renameSync(join(dir, `${sha512(other)}.text2`), join(dir, ENTRY));
    const again = await read(XZ, dir);
    expect(again.text.equals(TEXT)).toBe(true);
    expect(again.isFromCache).toBe(false);
  });

  test('an entry larger than the limit is not read', async () => {
    const dir = tempDir();
    await read(XZ, dir);
    const limits = { maxTextBytes: TEXT.length - 1 };
    expect(await failureOf(read(XZ, dir, { limits }))).toMatchObject({ code: 'limit' });
  });
});

describe('a cache that cannot be used causes a note, not an error', () => {
  test.each<[string, (dir: string) => string]>([
    [
      'a file instead of the directory',
      (dir) => {
        writeFileSync(join(dir, 'file'), '');
        return join(dir, 'file');
      },
    ],
    [
      'a file instead of its parent',
      (dir) => {
        writeFileSync(join(dir, 'file'), '');
        return join(dir, 'file', 'cache');
      },
    ],
    [
      'a directory instead of the entry',
      (dir) => {
        mkdirSync(join(dir, ENTRY));
        return dir;
      },
    ],
  ])('%s', async (_, prepare) => {
    const dir = prepare(tempDir());
    for (let time = 0; time < 2; time += 1) {
      const { text, notes, isFromCache } = await read(XZ, dir);
      expect(text.equals(TEXT)).toBe(true);
      expect(isFromCache).toBe(false);
      expect(notes.length).toBeGreaterThan(0);
      expect(notes.at(-1)).toMatch(/^the decoded index is not cached: E/);
    }
  });

  test.skipIf(!existsSync('/proc/self'))('a file system without regular files (skipped without /proc)', async () => {
    expect((await read(XZ, '/proc/self/cygstrap')).text.equals(TEXT)).toBe(true);
  });
});

describe('only a complete text is cached', () => {
  test('not after an early stop', async () => {
    const dir = tempDir();
    for await (const chunk of openIndex(cut(XZ, 4096), { cacheDir: dir }).chunks) if (chunk.length > 0) break;
    expect(readdirSync(dir)).toEqual([]);
  });

  test.each(FIXTURES)('not damaged $compression', async ({ bytes }) => {
    const dir = tempDir();
    expect(await failureOf(read(bytes.subarray(0, -1), dir))).toMatchObject({ code: 'corrupt' });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('not after a limit or a signal', async () => {
    const dir = tempDir();
    expect(await failureOf(read(XZ, dir, { limits: { maxTextBytes: 100_000 } }))).toMatchObject({ code: 'limit' });
    const stop = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const chunk of openIndex(cut(Buffer.concat([XZ, XZ]), 4096), { cacheDir: dir, signal: stop.signal })
        .chunks) {
        if (chunk.length > 0) stop.abort(new Error('stopped'));
      }
    };
    expect(await failureOf(reading())).toMatchObject({ message: 'stopped' });
    expect(readdirSync(dir)).toEqual([]);
  });
});

test('concurrent reads share one directory', async () => {
  const dir = tempDir();
  const reads = await Promise.all(Array.from({ length: 12 }, async () => read(XZ, dir)));
  expect(reads.map(({ text, notes }) => [text.equals(TEXT), notes])).toEqual(reads.map(() => [true, []]));
  expect(readdirSync(dir)).toEqual([ENTRY]);
});

test('only the newest entries remain; other files are never touched', async () => {
  const dir = tempDir();
  const foreign = ['notes.txt', `${'0'.repeat(128)}.text`, `${'g'.repeat(128)}.text2`, `${ENTRY}.tmp`];
  for (const name of foreign) writeFileSync(join(dir, name), 'x');
  const fresh = `${ENTRY}.${'0'.repeat(16)}.tmp`;
  const left = `${ENTRY}.${'1'.repeat(16)}.tmp`;
  for (const name of [fresh, left]) writeFileSync(join(dir, name), 'x');
  utimesSync(join(dir, left), 1000, 1000);
  const names: string[] = [];
  for (let index = 0; index < MAX_CACHED_TEXTS + 3; index += 1) {
    const bytes = gzipSync(`release: ${index}`);
    const name = `${sha512(bytes)}.text2`;
    await read(bytes, dir);
    // The resolution of the file system clock must not decide the order.
    utimesSync(join(dir, name), 1_000_000 + index, 1_000_000 + index);
    names.push(name);
  }
  expect(readdirSync(dir).toSorted()).toEqual([...foreign, fresh, ...names.slice(-MAX_CACHED_TEXTS)].toSorted());
});
