import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import lzma from 'lzma-native';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/input/input-error.ts';
import { DEFAULT_INPUT_LIMITS, openIndex, type IndexInput } from '../../src/input/open-index.ts';
import { collect, cut, failureOf, fixture, FIXTURES, tempDir, TEXT } from './support.ts';

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

/** One chunk, then an error. */
async function* breakingOff(chunk: Uint8Array, error: Error): AsyncGenerator<Uint8Array, void, undefined> {
  yield chunk;
  throw error;
}

/** One chunk, then another for ever. */
async function* endless(first: Uint8Array, then: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  for (;;) yield then;
}

function repeat(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

test('a large file goes through a few buffers', async () => {
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

  test('from a file, whatever its name', async () => {
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

test('nothing at all is no text', async () => {
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
        hint: 'fetch it again',
      });
    }
  },
);

describe('what cannot be read', () => {
  test('a missing file, with a look at what is beside it', async () => {
    const dir = tempDir();
    const path = join(dir, 'setup.ini');
    expect(await failure(openIndex(path))).toMatchObject({
      code: 'not-found',
      message: `no such index file: \`${path}\``,
      hint: "an index is Cygwin's setup.ini, plain or compressed as .zst, .xz, .bz2 or .gz; `-` reads it from standard input",
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

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'a file without permission (skipped for root and Windows)',
    async () => {
      const path = writeIndex(TEXT);
      chmodSync(path, 0);
      expect(await failure(openIndex(path))).toMatchObject({ code: 'io' });
    },
  );

  test('a standard input that breaks off', async () => {
    const stdin = breakingOff(TEXT.subarray(0, 1000), Object.assign(new Error('read EIO'), { code: 'EIO' }));
    expect(await failure(openIndex('-', { stdin }))).toMatchObject({
      code: 'io',
      message: 'cannot read the index: `-`',
    });
  });

  test("a source's own error passes through", async () => {
    const reason = new Error('the network is down');
    const source = breakingOff(fixture('records.xz').subarray(0, 1000), reason);
    expect(await failureOf(collect(openIndex(source).chunks))).toBe(reason);
  });

  test('damage names the file, the compression and what to do', async () => {
    const path = writeIndex(fixture('records.bz2').subarray(0, 9000));
    expect(await failure(openIndex(path))).toMatchObject({
      code: 'corrupt',
      message: `\`${path}\` (bz2) is damaged: the data is cut short`,
      hint: `fetch it again; \`bzip2 -t ${path}\` gives a second opinion`,
      details: { index: path, compression: 'bz2' },
    });
    const fromStdin = await failure(openIndex('-', { stdin: cut(fixture('records.xz').subarray(0, 9000), 500) }));
    expect(fromStdin).toMatchObject({ hint: 'fetch it again', message: '`-` (xz) is damaged: the data is cut short' });
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

  test('a compressed index that does not end', async () => {
    const error = await failure(openIndex(endless(Buffer.from('1f8b08', 'hex'), zeros)));
    expect(error).toMatchObject({
      code: 'limit',
      message: `\`index\` (gz) is too large: it has more than ${DEFAULT_INPUT_LIMITS.maxCompressedBytes} bytes`,
    });
  });

  test('a plain one', async () => {
    expect(await failure(openIndex(endless(TEXT, TEXT), { limits }))).toMatchObject({
      code: 'limit',
      message: '`index` is too large: it holds more than 8388608 bytes of text',
    });
  });
});

describe('stopping', () => {
  test('nothing is opened before the first chunk is asked for', () => {
    expect(openIndex('/no/such/file')).toMatchObject({ name: '/no/such/file' });
  });

  test('stopping early ends the process that writes', async () => {
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
    'a source is closed after its end, an error and an early stop',
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

  test('a signal stops a source that stays silent, with its own reason', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const stop = new AbortController();
    const reason = new Error('enough');
    const reading = failureOf(collect(openIndex('-', { stdin: child.stdout, signal: stop.signal }).chunks));
    stop.abort(reason);
    expect(await reading).toBe(reason);
    child.kill();
  });

  test.each(SOURCES)('a signal stops $compression between two chunks', async ({ bytes }) => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const twice = cut(Buffer.concat(Array.from({ length: 20 }, () => bytes)), 100_000);
    const reading = async (): Promise<void> => {
      for await (const chunk of openIndex(twice, { signal: stop.signal }).chunks)
        if (chunk.length > 0) stop.abort(reason);
    };
    expect(await failureOf(reading())).toBe(reason);
    expect(await failureOf(collect(openIndex(cut(bytes, 1000), { signal: stop.signal }).chunks))).toBe(reason);
  });

  test('a second iteration throws, rather than finding nothing', async () => {
    const input = openIndex(writeIndex(TEXT));
    await collect(input.chunks);
    expect(await failureOf(collect(input.chunks))).toMatchObject({
      message: expect.stringContaining('only once') as string,
    });
  });

  test('the facts are not known before the end, nor after an error', async () => {
    const input = openIndex(writeIndex(fixture('records.xz').subarray(0, 9000)));
    expect(() => input.facts()).toThrow('known once its chunks have ended');
    await failure(input);
    expect(() => input.facts()).toThrow('known once its chunks have ended');
  });
});

describe('in a process of its own', () => {
  const module = new URL('../../dist/input/open-index.js', import.meta.url).href;

  /** Runs a program that has `openIndex`, and tells its output and exit code. */
  async function run(program: string, stdin: Uint8Array): Promise<readonly [string, number]> {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', `import { openIndex } from ${JSON.stringify(module)};\n${program}`],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [output, [code]] = await Promise.all([collect(child.stdout), once(child, 'exit') as Promise<[number]>]);
    return [output.toString(), code];
  }

  test.each(SOURCES)(
    '$compression from standard input, then the process ends by itself',
    async ({ compression, bytes }) => {
      const program =
        "const input = openIndex('-'); let n = 0; for await (const chunk of input.chunks) n += chunk.length; console.log(n, input.facts().compression);";
      expect(await run(program, bytes)).toEqual([`${TEXT.length} ${compression}\n`, 0]);
    },
  );

  test.each(SOURCES)('$compression, stopped early, keeps no process alive', async ({ bytes }) => {
    const program = "for await (const chunk of openIndex('-').chunks) { console.log(chunk.length > 0); break; }";
    expect(await run(program, Buffer.concat([bytes, bytes, bytes]))).toEqual(['true\n', 0]);
  });
});

/** What this process holds open, where the system tells. */
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
