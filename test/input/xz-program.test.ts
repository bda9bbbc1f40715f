import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert, asyncProperty, nat } from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DecodeFault } from '../../src/input/input-error.ts';
import { openIndex } from '../../src/input/open-index.ts';
import { decodeXz } from '../../src/input/xz.ts';
import { randomFrom } from '../core/setup-ini/support.ts';
import { SEED } from '../support/seed.ts';
import { TEXT, collect, fixture, hasTool, tempDir } from './support.ts';

const BYTES = fixture('records.xz');
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** Decodes with a program, or with the library if there is none. Returns the text, or the code and message of the
 *  fault. */
async function outcome(bytes: Uint8Array, program?: string): Promise<string> {
  const programMinBytes = program === undefined ? Infinity : 0;
  try {
    const text = await collect(decodeXz(bytes, MAX_TEXT_BYTES, { program, programMinBytes }));
    return text.toString('latin1');
  } catch (error) {
    if (error instanceof DecodeFault) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** Creates a program that appends its process id to `log` and runs a shell script. */
function programOf(script: string): { readonly program: string; readonly log: string } {
  const directory = tempDir();
  const [program, log] = [join(directory, 'xz'), join(directory, 'log')];
  writeFileSync(program, `#!/bin/sh\necho $$ >>'${log}'\n${script}\n`, { mode: 0o755 });
  return { program, log };
}

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(!hasTool('xz') && !process.env['CI'])('the program `xz` (skipped without)', () => {
  test('decodes the text', async () => {
    const { program, log } = programOf('exec xz "$@"');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(true);
  });

  test('ignores options in the environment', async () => {
    vi.stubEnv('XZ_DEFAULTS', '--list');
    const { program } = programOf('exec xz "$@" || kill -9 $PPID');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
  });

  test('reports damage like the library', async () => {
    await assert(
      asyncProperty(nat(BYTES.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(BYTES);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await outcome(damaged, 'xz')).toBe(await outcome(damaged));
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test.each([0, 6, 12, 13, 100, 1000, BYTES.length - 12, BYTES.length - 1])(
    'reports data truncated after %i bytes like the library',
    async (size) => {
      const cut = BYTES.subarray(0, size);
      expect(await outcome(cut, 'xz')).toBe(await outcome(cut));
    },
  );

  test.each(['garbage', '\n', '\0', '\0\0\0\0', '\0\0\0\0garbage'])(
    'treats trailing bytes like the library: %j',
    async (rest) => {
      const bytes = Buffer.concat([BYTES, Buffer.from(rest)]);
      expect(await outcome(bytes, 'xz')).toBe(await outcome(bytes));
    },
  );
});

describe('the library continues if the program', () => {
  test.each([
    ['fails at once', 'exit 1'],
    ['fails after a part of the text', `exec 3>&1; xz -dc 2>/dev/null | head -c 70000 >&3; exit 1`],
    ['is killed after a part of the text', `exec 3>&1; xz -dc 2>/dev/null | head -c 70000 >&3; kill -9 $$`],
    ['is not a valid script', 'no-such-command'],
  ])('%s', async (_, script) => {
    const { program, log } = programOf(script);
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(true);
  });

  test('is missing', async () => {
    expect(await outcome(BYTES, '/nowhere/xz')).toBe(TEXT.toString('latin1'));
  });

  test('cannot have temporary files', async () => {
    const { program, log } = programOf('exec xz "$@"');
    vi.stubEnv('TMPDIR', '/nowhere');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(false);
  });
});

describe.skipIf(!hasTool('xz') && !process.env['CI'])(
  'the cache holds the complete text (skipped without `xz`)',
  () => {
    const text = randomText(3_000_000);
    const packed = execFileSync('xz', ['-0'], { input: text, maxBuffer: 1 << 26 });

    async function read(
      cacheDir: string,
      notes: string[],
    ): Promise<{ readonly text: Buffer; readonly isFromCache: boolean }> {
      const input = openIndex(chunk(packed), { cacheDir, note: (message) => void notes.push(message) });
      return { text: await collect(input.chunks), isFromCache: input.facts().isFromCache };
    }
    async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
      yield bytes;
    }
    const others =
      (process.env['PATH'] ?? '')
        .split(':')
        .map((each) => join(each, 'xz'))
        .find((path) => existsSync(path)) ?? 'xz';

    test.each([
      ['the program succeeds', `exec ${others} "$@"`],
      ['the program fails at once', 'exit 1'],
      ['the program fails after a part of the text', `${others} -dc 2>/dev/null | head -c 1700000; exit 1`],
      [
        'the program writes a part of the text and other bytes',
        `${others} -dc 2>/dev/null | head -c 1048576; head -c 9000000 /dev/zero; exit 1`,
      ],
      ['the program is missing', undefined],
    ])('%s', async (_, script) => {
      const cacheDir = join(tempDir(), 'cache');
      const log = script === undefined ? undefined : programOf(script);
      vi.stubEnv('PATH', log === undefined ? '/nowhere' : `${dirname(log.program)}:${process.env['PATH'] ?? ''}`);
      const notes: string[] = [];
      const first = await read(cacheDir, notes).catch((error: unknown) => error);
      const isRefused = script?.includes('/dev/zero') === true;
      // The caller has received the other bytes as text.
      if (isRefused) {
        expect(first).toMatchObject({ code: 'corrupt' });
        expect(readdirSync(cacheDir)).toEqual([]);
      } else {
        expect(first).toMatchObject({ isFromCache: false });
        expect((first as { text: Buffer }).text.equals(text)).toBe(true);
        const again = await read(cacheDir, notes);
        expect(again.isFromCache).toBe(true);
        expect(again.text.equals(text)).toBe(true);
      }
      expect(notes).toEqual([]);
      expect(log === undefined || existsSync(log.log)).toBe(true);
    });
  },
);

function randomText(bytes: number): Buffer {
  const random = randomFrom(SEED);
  return Buffer.from(Array.from({ length: bytes }, () => 32 + random(64)));
}

describe('no process and no file remains', () => {
  async function firstOf(
    script: string,
    maxTextBytes: number,
  ): Promise<{ readonly pid: number; readonly chunks: number }> {
    const { program, log } = programOf(script);
    const scratch = join(tempDir(), 'scratch');
    mkdirSync(scratch);
    vi.stubEnv('TMPDIR', scratch);
    let chunks = 0;
    for await (const chunk of decodeXz(BYTES, maxTextBytes, { program, programMinBytes: 0 })) {
      expect(chunk.length).toBeGreaterThan(0);
      chunks += 1;
      if (maxTextBytes === MAX_TEXT_BYTES) break;
    }
    expect(readdirSync(scratch)).toEqual([]);
    return { pid: Number(readFileSync(log, 'utf8')), chunks };
  }
  const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

  test('after an early stop', async () => {
    const { pid, chunks } = await firstOf('head -c 1500000 /dev/zero; exec sleep 1000', MAX_TEXT_BYTES);
    expect(chunks).toBe(1);
    expect(isAlive(pid)).toBe(false);
  });

  test('after more text than allowed; the library then counts', async () => {
    const { pid } = await firstOf('exec yes', 1024 * 1024);
    expect(isAlive(pid)).toBe(false);
  });
});
