import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SEED } from '../support/seed.ts';
import { recordsOf, temporaryDirectory, treeOf } from './support.ts';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const KILLS = 50;

interface Run {
  readonly process: ChildProcess;
  /** Resolves when the word is on stdout. */
  said(word: string): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function run(root: string, release: string, ...more: string[]): Run {
  const child = spawn(process.execPath, [CHILD, root, release, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    waiting.forEach((look) => look());
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Awaited<Run['ended']>>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  );
  const said = (word: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(word)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without saying ${word}: ${stderr}`)));
    });
  return { process: child, said, ended };
}

/** A number from 0 up to 1, the same for the same seed and turn. */
function chance(turn: number): number {
  return createHash('sha256').update(`${SEED} ${turn}`).digest().readUInt32LE() / 2 ** 32;
}

/** What is wrong with the index in force: files it lists that are not there, or are not what it says. */
function faultsOf(root: string, compare: 'presence' | 'content'): string[] {
  const location = join(root, 'x86_64/setup.ini');
  if (!existsSync(location)) return [];
  const index = readFileSync(location);
  const archives = recordsOf(index).flatMap(({ versions }) =>
    versions.flatMap(({ install }) => (install === undefined ? [] : [install])),
  );
  const faults = archives.filter(({ path, sha512 }) => {
    const file = join(root, path);
    return (
      !existsSync(file) ||
      (compare === 'content' && createHash('sha512').update(readFileSync(file)).digest('hex') !== sha512)
    );
  });
  // What an older index listed may be pruned once a newer one is there.
  return readFileSync(location).equals(index) ? faults.map(({ path }) => path) : [];
}

async function finish(root: string, release: string): Promise<void> {
  const { code, stderr } = await run(root, release).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe('a process that is killed', () => {
  test(`at ${KILLS} moments leaves a repo that is right, and the same command finishes it`, async () => {
    const reference = temporaryDirectory();
    await finish(reference, 'one');
    const one = treeOf(reference);
    const whole = run(reference, 'two');
    await whole.said('ready');
    const start = performance.now();
    await whole.said('done');
    let workMs = performance.now() - start;
    await whole.ended;
    const two = treeOf(reference);
    expect(Object.keys(two)).toHaveLength(Object.keys(one).length);

    const root = temporaryDirectory();
    const faults: string[] = [];
    let looks = 0;
    let turn = 0;
    for (let kills = 0; kills < KILLS; turn++) {
      expect(turn).toBeLessThan(3 * KILLS);
      const child = run(root, turn % 4 < 2 ? 'one' : 'two');
      await child.said('ready');
      const timer = setTimeout(() => child.process.kill('SIGKILL'), chance(turn) * workMs);
      const reader = setInterval(() => {
        looks++;
        faults.push(...faultsOf(root, 'presence'));
      }, 3);
      const { code, stderr } = await child.ended;
      clearTimeout(timer);
      clearInterval(reader);
      expect(stderr).toBe('');
      // The one time it was measured the computer may have been busy, and most kills would come too late.
      if (code === null) kills++;
      else workMs *= 0.98;
      expect([...faults, ...faultsOf(root, 'content')], `after run ${turn}, seed ${SEED}`).toEqual([]);
    }
    expect(looks).toBeGreaterThan(KILLS);
    await finish(root, 'one');
    expect(treeOf(root)).toEqual(one);
    await finish(root, 'two');
    expect(treeOf(root)).toEqual(two);
    // A lock file that was empty when its process was killed stays until it is stale.
    const own = readdirSync(join(root, '.cygstrap')).filter(
      (name) => !name.endsWith('.tmp') && statSync(join(root, '.cygstrap', name)).size > 0,
    );
    expect(own.toSorted()).toEqual(['repo.json', 'verified']);
  });
});

describe('two processes on one repo', () => {
  test('take turns, and each finishes', async () => {
    const root = temporaryDirectory();
    const runs = [run(root, 'one'), run(root, 'one'), run(root, 'one')];
    const results = await Promise.all(runs.map(({ ended }) => ended));
    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: '' })));
    const puts = results.map(({ stdout }) => Number(/done (\d+)/.exec(stdout)?.[1]));
    expect(puts.toSorted((a, b) => a - b)).toEqual([0, 0, 14]);
    const reference = temporaryDirectory();
    await finish(reference, 'one');
    expect(treeOf(root)).toEqual(treeOf(reference));
  });

  test('wait while one works, and go on when it is killed', async () => {
    const root = temporaryDirectory();
    const holder = run(root, 'one', 'wait');
    await holder.said('locked');
    const waiting = run(root, 'two');
    await waiting.said('ready');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(waiting.process.exitCode).toBeNull();
    expect(existsSync(join(root, 'x86_64'))).toBe(false);
    holder.process.kill('SIGKILL');
    expect((await waiting.ended).code).toBe(0);
  });
});
