import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, asyncProperty, nat } from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DecodeFault } from '../../src/input/input-error.ts';
import { decodeXz } from '../../src/input/xz.ts';
import { SEED } from '../support/seed.ts';
import { TEXT, collect, fixture, hasTool, tempDir } from './support.ts';

const BYTES = fixture('records.xz');
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** What comes out by a program, or with none by the library: the text, or the fault in words. */
async function outcome(bytes: Uint8Array, program?: string): Promise<string> {
  const programFromBytes = program === undefined ? Infinity : 0;
  try {
    const text = await collect(decodeXz(bytes, MAX_TEXT_BYTES, { program, programFromBytes }));
    return text.toString('latin1');
  } catch (error) {
    if (error instanceof DecodeFault) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** A program that leaves a line in `log` when it is started, and does what the shell script says. */
function programOf(script: string): { readonly program: string; readonly log: string } {
  const directory = tempDir();
  const [program, log] = [join(directory, 'xz'), join(directory, 'log')];
  writeFileSync(program, `#!/bin/sh\necho $$ >>'${log}'\n${script}\n`, { mode: 0o755 });
  return { program, log };
}

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(!hasTool('xz') && !process.env['CI'])('the program `xz` (skipped without)', () => {
  test('is used, and decodes to the text', async () => {
    const { program, log } = programOf('exec xz "$@"');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(true);
  });

  test('takes no options from the environment', async () => {
    vi.stubEnv('XZ_DEFAULTS', '--list');
    const { program } = programOf('exec xz "$@" || kill -9 $PPID');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
  });

  test('damage is told in the same words as without it', async () => {
    await assert(
      asyncProperty(nat(BYTES.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(BYTES);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await outcome(damaged, 'xz')).toBe(await outcome(damaged));
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test.each([0, 6, 12, 13, 100, 1000, BYTES.length - 12, BYTES.length - 1])('cut after %i bytes, it is refused in the same words', async (size) => {
    const cut = BYTES.subarray(0, size);
    expect(await outcome(cut, 'xz')).toBe(await outcome(cut));
  });

  test.each(['garbage', '\n', '\0', '\0\0\0\0', '\0\0\0\0garbage'])('what follows the data makes no difference: %j', async (rest) => {
    const bytes = Buffer.concat([BYTES, Buffer.from(rest)]);
    expect(await outcome(bytes, 'xz')).toBe(await outcome(bytes));
  });
});

describe('where the program fails, the library goes on', () => {
  test.each([
    ['it does nothing', 'exit 1'],
    ['it ends after some of the text', `exec 3>&1; xz -dc 2>/dev/null | head -c 70000 >&3; exit 1`],
    ['it is killed after some of the text', `exec 3>&1; xz -dc 2>/dev/null | head -c 70000 >&3; kill -9 $$`],
    ['it is not one', 'this is no command'],
  ])('%s', async (_, script) => {
    const { program, log } = programOf(script);
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(true);
  });

  test('there is none', async () => {
    expect(await outcome(BYTES, '/nowhere/xz')).toBe(TEXT.toString('latin1'));
  });

  test('there is no room for its files', async () => {
    const { program, log } = programOf('exec xz "$@"');
    vi.stubEnv('TMPDIR', '/nowhere');
    expect(await outcome(BYTES, program)).toBe(TEXT.toString('latin1'));
    expect(existsSync(log)).toBe(false);
  });
});

describe('it leaves nothing behind', () => {
  async function firstOf(script: string, maxTextBytes: number): Promise<{ readonly pid: number; readonly chunks: number }> {
    const { program, log } = programOf(script);
    const scratch = join(tempDir(), 'scratch');
    mkdirSync(scratch);
    vi.stubEnv('TMPDIR', scratch);
    let chunks = 0;
    for await (const chunk of decodeXz(BYTES, maxTextBytes, { program, programFromBytes: 0 })) {
      expect(chunk.length).toBeGreaterThan(0);
      chunks += 1;
      if (maxTextBytes === MAX_TEXT_BYTES) break;
    }
    expect(readdirSync(scratch)).toEqual([]);
    return { pid: Number(readFileSync(log, 'utf8')), chunks };
  }
  const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

  test('stopped early: it ends with us', async () => {
    const { pid, chunks } = await firstOf('echo some; exec sleep 1000', MAX_TEXT_BYTES);
    expect(chunks).toBe(1);
    expect(isAlive(pid)).toBe(false);
  });

  test('more text than allowed: it ends, and the library goes on to count', async () => {
    const { pid } = await firstOf('exec yes', 1024 * 1024);
    expect(isAlive(pid)).toBe(false);
  });
});
