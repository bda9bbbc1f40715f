import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openIndex } from '../../src/input/open-index.ts';
import { collect, cut, failure, failureOf, fixture, repeat, SOURCES, tempDir, TEXT, writeIndex } from './support.ts';
import { asOrdinaryUser } from '../support/user.ts';

/** Yields one chunk, then throws. */
async function* breakingOff(chunk: Uint8Array, error: Error): AsyncGenerator<Uint8Array, void, undefined> {
  yield chunk;
  throw error;
}

test.each(SOURCES)('single bytes give the same text, in few buffers: $compression', async ({ bytes }) => {
  async function* single(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const byte of bytes) yield Uint8Array.of(byte);
  }
  const alloc = vi.spyOn(Buffer, 'allocUnsafeSlow');
  const concat = vi.spyOn(Buffer, 'concat');
  const texts: Uint8Array[] = [];
  for await (const chunk of openIndex(single()).chunks) texts.push(Uint8Array.from(chunk));
  expect(alloc.mock.calls.length).toBeLessThan(30);
  expect(concat).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  expect(Buffer.concat(texts).equals(TEXT)).toBe(true);
});

test('a large file is read through fewer than four buffers', async () => {
  const text = repeat(TEXT, Math.ceil(9_000_000 / TEXT.length));
  const buffers = new Set<ArrayBufferLike>();
  const copies: Uint8Array[] = [];
  for await (const chunk of openIndex(writeIndex(text)).chunks) {
    buffers.add(chunk.buffer);
    copies.push(Uint8Array.from(chunk));
  }
  expect(copies.length).toBeGreaterThan(8);
  expect(buffers.size).toBeLessThan(4);
  expect(Buffer.concat(copies).equals(text)).toBe(true);
});

describe.each(SOURCES)('an index compressed as $compression', ({ compression, bytes }) => {
  const sha512 = createHash('sha512').update(bytes).digest('hex');
  const facts = { compression, sizeBytes: bytes.length, sha512, textBytes: TEXT.length, isFromCache: false };

  test('from a file with an unrelated name', async () => {
    const path = writeIndex(bytes, 'setup.exe');
    const input = openIndex(path);
    expect(input.name).toBe(path);
    expect((await collect(input.chunks)).equals(TEXT)).toBe(true);
    expect(input.facts()).toEqual(facts);
  });

  test('without a digest, unless decoding needs it', async () => {
    const input = openIndex(writeIndex(bytes), { digest: false });
    await collect(input.chunks);
    expect(input.facts()).toEqual(compression === 'none' ? { ...facts, sha512: '' } : facts);
  });

  test.each([1, 2, 5, 6, 7, 1000])('from chunks of %i bytes', async (size) => {
    const input = openIndex(cut(bytes, size));
    expect((await collect(input.chunks)).equals(TEXT)).toBe(true);
    expect(input.facts()).toEqual(facts);
  });

  test('from another process', async () => {
    const path = writeIndex(bytes);
    const child = spawn(process.execPath, [
      '-e',
      `require('fs').createReadStream(${JSON.stringify(path)}).pipe(process.stdout)`,
    ]);
    const input = openIndex('-', { stdin: child.stdout });
    expect((await collect(input.chunks)).equals(TEXT)).toBe(true);
    expect(input).toMatchObject({ name: '-' });
    expect(input.facts()).toEqual(facts);
  });

  test('stopping early closes the file', async () => {
    const path = writeIndex(bytes);
    for await (const chunk of openIndex(path).chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(openFiles()).not.toContain(path);
    rmSync(path);
  });

  test('a limit on the text', async () => {
    const error = await failure(openIndex(writeIndex(bytes), { limits: { maxTextBytes: TEXT.length - 1 } }));
    expect(error).toMatchObject({ code: 'limit', details: { compression } });
    const input = openIndex(writeIndex(bytes), { limits: { maxTextBytes: TEXT.length } });
    expect((await collect(input.chunks)).length).toBe(TEXT.length);
  });
});

test('an empty file is an empty text', async () => {
  const input = openIndex(writeIndex(Buffer.alloc(0)));
  expect(await collect(input.chunks)).toEqual(Buffer.alloc(0));
  expect(input.facts()).toMatchObject({ compression: 'none', sizeBytes: 0, textBytes: 0 });
});

test('a file of one byte is plain text', async () => {
  for (const byte of ['r', 'B', '('])
    expect(await collect(openIndex(cut(Buffer.from(byte), 1)).chunks)).toEqual(Buffer.from(byte));
});

test.each(SOURCES.slice(0, 4))(
  'a file of the first bytes of $compression is damaged',
  async ({ compression, bytes }) => {
    for (const size of [2, 3, 4, 5, 6, 7]) {
      const error = await failure(openIndex(cut(bytes.subarray(0, size), 1)));
      expect(error).toMatchObject({
        code: 'corrupt',
        details: { index: 'index', compression },
        hint: 'download it again',
      });
    }
  },
);

describe('read failures', () => {
  test('a missing file, with similar names in the same directory', async () => {
    const dir = tempDir();
    const path = join(dir, 'setup.ini');
    expect(await failure(openIndex(path))).toMatchObject({
      code: 'not-found',
      message: `no such index file: \`${path}\``,
      hint:
        "an index is Cygwin's setup.ini, plain or compressed as .zst, .xz, .bz2 or .gz; `-` reads it from " +
        'standard input',
    });
    for (const name of ['setup.xz', 'setup.bz2', 'setup-2.ini', 'readme']) writeFileSync(join(dir, name), '');
    const { hint } = await failure(openIndex(path));
    expect(hint).toBe(`did you mean \`${join(dir, 'setup.bz2')}\` or \`${join(dir, 'setup.xz')}\`?`);
    expect(await failure(openIndex(join(dir, 'readme', 'setup.ini')))).toMatchObject({ code: 'not-found' });
  });

  test('a directory', async () => {
    const dir = tempDir();
    const error = await failure(openIndex(dir));
    expect(error).toMatchObject({ code: 'io', message: `an index is a file, not a directory: \`${dir}\`` });
    expect(error.hint).toMatch(/^an index is Cygwin's setup\.ini, plain or compressed/);
  });

  test('a directory with an index: the hint names a file that exists', async () => {
    const dir = tempDir();
    for (const path of ['setup.ini', 'x86/setup.bz2', 'x86_64/setup.ini', 'x86_64/setup.zst']) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), '');
      expect((await failure(openIndex(dir))).hint).toBe(`name the file in it, such as \`${join(dir, path)}\``);
    }
  });

  test.skipIf(process.platform === 'win32')('a file without permission (skipped on Windows)', async () => {
    const path = writeIndex(TEXT);
    chmodSync(path, 0);
    const error = await asOrdinaryUser(dirname(path), () => failure(openIndex(path)));
    expect(error).toMatchObject({ code: 'io', cause: { code: 'EACCES' } });
  });

  test('a standard input that fails', async () => {
    const stdin = breakingOff(TEXT.subarray(0, 1000), Object.assign(new Error('read EIO'), { code: 'EIO' }));
    expect(await failure(openIndex('-', { stdin }))).toMatchObject({
      code: 'io',
      message: 'cannot read the index: `-`',
    });
  });

  test('an error of the source is passed on', async () => {
    const reason = new Error('the network is down');
    const source = breakingOff(fixture('records.xz').subarray(0, 1000), reason);
    expect(await failureOf(collect(openIndex(source).chunks))).toBe(reason);
  });

  test('an error of a damaged file names the file, the compression and a command to check it', async () => {
    const path = writeIndex(fixture('records.bz2').subarray(0, 9000));
    expect(await failure(openIndex(path))).toMatchObject({
      code: 'corrupt',
      message: `\`${path}\` (bz2) is damaged: the data is truncated`,
      hint: `download it again; check it with \`bzip2 -t ${path}\``,
      details: { index: path, compression: 'bz2' },
    });
    const fromStdin = await failure(openIndex('-', { stdin: cut(fixture('records.xz').subarray(0, 9000), 500) }));
    expect(fromStdin).toMatchObject({
      hint: 'download it again',
      message: '`-` (xz) is damaged: the data is truncated',
    });
  });
});

/** Returns the files that this process has open; none without /proc. */
function openFiles(): readonly string[] {
  const dir = '/proc/self/fd';
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap((fd) => {
    try {
      return [readlinkSync(join(dir, fd))];
    } catch {
      return [];
    }
  });
}
