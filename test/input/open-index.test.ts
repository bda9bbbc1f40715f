import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import lzma from 'lzma-native';
import { describe, expect, test, vi } from 'vitest';
import { InputError } from '../../src/input/input-error.ts';
import { DEFAULT_INPUT_LIMITS, openIndex, type IndexInput } from '../../src/input/open-index.ts';
import { collect, cut, failureOf, fixture, FIXTURES, tempDir, TEXT } from './support.ts';
import { asOrdinaryUser } from '../support/user.ts';

const SOURCES = [...FIXTURES, { compression: 'none' as const, bytes: TEXT }];

function writeIndex(bytes: Uint8Array, name = 'setup.ini'): string {
  const path = join(tempDir(), name);
  writeFileSync(path, bytes);
  return path;
}

async function failure(input: IndexInput): Promise<InputError> {
  const error = await failureOf(collect(input.chunks));
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** Yields one chunk, then throws. */
async function* breakingOff(chunk: Uint8Array, error: Error): AsyncGenerator<Uint8Array, void, undefined> {
  yield chunk;
  throw error;
}

/** Yields one chunk, then another one endlessly. */
async function* endless(first: Uint8Array, then: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  for (;;) yield then;
}

function repeat(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
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
    expect(error.hint).toContain(join(dir, 'x86_64', 'setup.xz'));
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

describe('3 GB of text in a small file is refused at the limit', () => {
  const limits = { maxTextBytes: 8 * 1024 * 1024 };
  const zeros = Buffer.alloc(8 * 1024 * 1024);
  const count = 384;

  test('gz', async () => {
    expect(await failure(openIndex(cut(repeat(gzipSync(zeros), count), 65_536), { limits }))).toMatchObject({
      code: 'limit',
    });
  });

  test('xz', async () => {
    const bytes = repeat(await lzma.compress(zeros, { preset: 0 }), count);
    expect(await failure(openIndex(cut(bytes, 65_536), { limits }))).toMatchObject({ code: 'limit' });
  });

  test('bz2', async () => {
    // 45,899,235 zeros, the most that one block holds.
    const block = Buffer.from('QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXF3JFOFCQDgni3w==', 'base64');
    const error = await failure(openIndex(cut(repeat(block, 70), 65_536), { limits }));
    expect(error).toMatchObject({ code: 'limit' });
  });

  test.each(['28b52ffd0088', '28b52ffd8088000000c0'])('zst with the header %s', async (header) => {
    const block = Buffer.from([(131_072 << 3) & 0xff, (131_072 >> 5) & 0xff, (131_072 >> 13) & 0xff, 0]);
    block[0] = (block[0] as number) | 2;
    const last = Buffer.from(block);
    last[0] = (last[0] as number) | 1;
    const bytes = Buffer.concat([Buffer.from(header, 'hex'), repeat(block, 24_576), last]);
    expect(await failure(openIndex(cut(bytes, 65_536), { limits }))).toMatchObject({ code: 'limit' });
  });

  test('an endless compressed index', async () => {
    const error = await failure(openIndex(endless(Buffer.from('1f8b08', 'hex'), zeros)));
    expect(error).toMatchObject({
      code: 'limit',
      message: `\`index\` (gz) is too large: more than ${DEFAULT_INPUT_LIMITS.maxCompressedBytes} compressed bytes`,
    });
  });

  test('an endless plain text', async () => {
    expect(await failure(openIndex(endless(TEXT, TEXT), { limits }))).toMatchObject({
      code: 'limit',
      message: '`index` is too large: more than 8388608 bytes of text',
    });
  });
});

describe('stopping', () => {
  test('nothing is opened before the first chunk is requested', () => {
    expect(openIndex('/no/such/file')).toMatchObject({ name: '/no/such/file' });
  });

  test('an early stop closes standard input', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'process.stdout.on("error", () => process.exit(7)); setInterval(() => process.stdout.write("x".repeat(1e5)), 1)',
    ]);
    for await (const chunk of openIndex('-', { stdin: child.stdout }).chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(child.stdout.destroyed).toBe(true);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(7);
  });

  test.each([undefined, new AbortController().signal])(
    'the source is closed after the end, an error and an early stop',
    async (signal) => {
      const closed: string[] = [];
      async function* source(name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
        try {
          yield* cut(bytes, 1000);
        } finally {
          closed.push(name);
        }
      }
      await collect(openIndex(source('ended', TEXT), { signal }).chunks);
      await failure(openIndex(source('refused', TEXT), { signal, limits: { maxTextBytes: 5000 } }));
      for await (const chunk of openIndex(source('stopped', TEXT), { signal }).chunks) if (chunk.length > 0) break;
      expect(closed).toEqual(['ended', 'refused', 'stopped']);
    },
  );

  test('a signal stops a silent source; its reason is thrown', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const stop = new AbortController();
    const reason = new Error('stopped');
    const reading = failureOf(collect(openIndex('-', { stdin: child.stdout, signal: stop.signal }).chunks));
    stop.abort(reason);
    expect(await reading).toBe(reason);
    child.kill();
  });

  test.each(SOURCES)('a signal stops $compression between two chunks', async ({ bytes }) => {
    const stop = new AbortController();
    const reason = new Error('stopped');
    const twice = cut(Buffer.concat(Array.from({ length: 20 }, () => bytes)), 100_000);
    const reading = async (): Promise<void> => {
      for await (const chunk of openIndex(twice, { signal: stop.signal }).chunks)
        if (chunk.length > 0) stop.abort(reason);
    };
    expect(await failureOf(reading())).toBe(reason);
    expect(await failureOf(collect(openIndex(cut(bytes, 1000), { signal: stop.signal }).chunks))).toBe(reason);
  });

  test('a second iteration throws', async () => {
    const input = openIndex(writeIndex(TEXT));
    await collect(input.chunks);
    expect(await failureOf(collect(input.chunks))).toMatchObject({
      message: expect.stringContaining('only once') as string,
    });
  });

  test('the facts are unknown before the end and after an error', async () => {
    const input = openIndex(writeIndex(fixture('records.xz').subarray(0, 9000)));
    expect(() => input.facts()).toThrow('known after its last chunk');
    await failure(input);
    expect(() => input.facts()).toThrow('known after its last chunk');
  });
});

describe('in a child process', () => {
  const module = new URL('../../dist/input/open-index.js', import.meta.url).href;

  /** Runs a program that can call `openIndex`. Returns its output and exit code. */
  async function run(
    program: string,
    stdin: Uint8Array,
    flags: readonly string[] = [],
  ): Promise<readonly [string, number]> {
    const child = spawn(
      process.execPath,
      [...flags, '--input-type=module', '-e', `import { openIndex } from ${JSON.stringify(module)};\n${program}`],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [output, [code]] = await Promise.all([collect(child.stdout), once(child, 'exit') as Promise<[number]>]);
    return [output.toString(), code];
  }

  test.each(SOURCES)('$compression from standard input; then the process exits', async ({ compression, bytes }) => {
    const program =
      "const input = openIndex('-'); let n = 0; for await (const chunk of input.chunks) n += " +
      'chunk.length; console.log(n, input.facts().compression);';
    expect(await run(program, bytes)).toEqual([`${TEXT.length} ${compression}\n`, 0]);
  });

  test('with a signal, no chunk is retained after its turn', async () => {
    // Each retained chunk holds about 700 bytes of the heap, which is limited to 32 MB.
    const program = `async function* source() { for (let i = 0; i < 300_000; i += 1) yield new Uint8Array([10]); }
      let n = 0;
      const { signal } = new AbortController();
      for await (const chunk of openIndex(source(), { signal }).chunks) n += chunk.length;
      console.log(n);`;
    expect(await run(program, TEXT, ['--max-old-space-size=32'])).toEqual(['300000\n', 0]);
  });

  test.each(SOURCES)('$compression, stopped early: the process exits', async ({ bytes }) => {
    const program = "for await (const chunk of openIndex('-').chunks) { console.log(chunk.length > 0); break; }";
    expect(await run(program, Buffer.concat([bytes, bytes, bytes]))).toEqual(['true\n', 0]);
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
