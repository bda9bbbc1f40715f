import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { recordsOf, temporaryDirectory, treeOf } from './support.ts';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const KILLS = 50;

interface Run {
  readonly process: ChildProcess;
  /** Resolves when the word is printed. */
  printed(word: string): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function run(root: string, release: string, mode = ''): Run {
  const child = spawn(process.execPath, [CHILD, root, release, mode], { stdio: ['pipe', 'pipe', 'pipe'] });
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
  const printed = (word: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(word)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without printing ${word}: ${stderr}`)));
    });
  return { process: child, printed, ended };
}

/** Files that the index in force lists and that are missing or have the wrong content. */
function faultsOf(root: string): string[] {
  const location = join(root, 'x86_64/setup.ini');
  if (!existsSync(location)) return [];
  const archives = recordsOf(readFileSync(location)).flatMap(({ versions }) =>
    versions.flatMap(({ install }) => (install === undefined ? [] : [install])),
  );
  const isWrong = (path: string, sha512: string | undefined): boolean =>
    !existsSync(path) || createHash('sha512').update(readFileSync(path)).digest('hex') !== sha512;
  return archives.filter(({ path, sha512 }) => isWrong(join(root, path), sha512)).map(({ path }) => path);
}

/** Runs to the end; returns how many files were stored and the number of steps. */
async function finish(root: string, release: string): Promise<{ readonly puts: number; readonly steps: number }> {
  const { code, stdout, stderr } = await run(root, release).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, puts, , steps, faults] = /^done (\d+) (\d+) (\d+) (.*)$/m.exec(stdout) ?? [];
  expect(faults).toBe('[]');
  return { puts: Number(puts), steps: Number(steps) };
}

describe('a process that is killed', () => {
  test(`before any of ${KILLS} steps leaves a valid repo, and the same command completes it`, async () => {
    const reference = temporaryDirectory();
    const first = await finish(reference, 'one');
    const one = treeOf(reference);
    const second = await finish(reference, 'two');
    const two = treeOf(reference);
    expect(Object.keys(two)).toHaveLength(Object.keys(one).length);
    const steps = Math.min(first.steps, second.steps);
    expect(steps).toBeGreaterThan(KILLS);

    let kills = 0;
    const killAt = async (turn: number, root: string): Promise<void> => {
      const release = turn % 4 < 2 ? 'one' : 'two';
      const { code, stderr } = await run(root, release, String(1 + Math.floor((turn * steps) / KILLS))).ended;
      expect(stderr).toBe('');
      if (code === null) kills++;
      expect(faultsOf(root), `after kill ${turn}`).toEqual([]);
      if (turn % 5 !== 0) return;
      await finish(root, release);
      expect(treeOf(root)).toEqual(release === 'one' ? one : two);
    };
    // At steps that are spread over the whole work: in a new repo, and in one of the other release or half of each.
    const killEach = async (first: number, rootOf: () => string): Promise<void> => {
      for (let turn = first; turn < KILLS; turn += 2) await killAt(turn, rootOf());
    };
    await Promise.all([killEach(0, temporaryDirectory), killEach(1, () => reference)]);
    expect(kills).toBeGreaterThan(KILLS / 2);
    await finish(reference, 'one');
    expect(treeOf(reference)).toEqual(one);
    // A lock file that was empty when its process was killed stays until it is stale.
    const own = readdirSync(join(reference, '.cygstrap')).filter(
      (name) => !name.endsWith('.tmp') && statSync(join(reference, '.cygstrap', name)).size > 0,
    );
    expect(own.toSorted()).toEqual(['placed', 'repo.json', 'verified']);
  }, 180_000);
});

describe('two processes on one repo', () => {
  test('take turns, and each completes', async () => {
    const root = temporaryDirectory();
    const results = await Promise.all(['one', 'one', 'one'].map((release) => finish(root, release)));
    expect(results.map(({ puts }) => puts).toSorted((a, b) => a - b)).toEqual([0, 0, 14]);
    const reference = temporaryDirectory();
    await finish(reference, 'one');
    expect(treeOf(root)).toEqual(treeOf(reference));
  });

  test('wait for each other, and continue when the holder of the lock is killed', async () => {
    const root = temporaryDirectory();
    const holder = run(root, 'one', 'hold');
    await holder.printed('locked');
    const waiting = run(root, 'two');
    await waiting.printed('waiting');
    expect(waiting.process.exitCode).toBeNull();
    expect(existsSync(join(root, 'x86_64'))).toBe(false);
    holder.process.kill('SIGKILL');
    expect((await waiting.ended).code).toBe(0);
  });
});
