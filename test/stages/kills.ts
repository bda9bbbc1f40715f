import { readFileSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect } from 'vitest';
import { sha256OfFile } from '../../src/io/file-digest.ts';
import { byFileName } from '../../src/stages/manifest.ts';
import type { FileStamp, Manifest } from '../../src/stages/manifest.ts';
import { SEED } from '../support/seed.ts';
import { PROJECT } from '../support/transcript.ts';
import { namesIn, processesOf } from './support.ts';
import type { Bench, Outcome } from './support.ts';

/** A moment of a command: a part of all its steps, and a delay after that step. */
export interface Moment {
  readonly part: number;
  readonly delayMs: number;
}

/** Returns moments from the seed, spread over the whole command; every second one without a delay. */
export function momentsOf(count: number): Moment[] {
  const random = fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), delayMs: fc.nat({ max: 1500 }) });
  return fc
    .sample(random, { seed: SEED, numRuns: count })
    .map(({ part, delayMs }, i) => ({ part: (i + part) / count, delayMs: i % 2 === 0 ? 0 : delayMs }));
}

const PRELOAD = `--import=${pathToFileURL(join(PROJECT, 'test/support/kill-at-step.mjs')).href}`;

/** A stage, and the command that makes it. */
export interface Kills {
  readonly bench: Bench;
  readonly stage: 'install' | 'snapshot';
  readonly start: (env: Readonly<Record<string, string>>) => Promise<Outcome>;
}

/** Returns the number of steps of the whole command. Removes the stage that it made. */
export async function countSteps(kills: Kills): Promise<number> {
  const file = join(kills.bench.path, 'steps');
  await finish(kills, { NODE_OPTIONS: PRELOAD, KILL_COUNT_FILE: file });
  await discard(kills);
  return Number(readFileSync(file, 'utf8'));
}

/** Kills the command at a moment; then checks that no process and no lock of it is left, that every stage is complete,
 *  and that `vm gc` removes the rest, or that the same command finishes. */
export async function killAt(
  kills: Kills,
  { part, delayMs }: Moment,
  steps: number,
  then: 'collect' | 'finish' | 'stay',
): Promise<void> {
  const { bench } = kills;
  const step = Math.min(steps, 1 + Math.floor(part * steps));
  const what = `step ${step} of ${steps} and ${delayMs} ms`;
  const outcome = await kills.start({ NODE_OPTIONS: PRELOAD, KILL_AT_STEP: `${step}`, KILL_DELAY_MS: `${delayMs}` });
  // A delay can be longer than the rest of the command.
  if (outcome.signal !== 'SIGKILL') expect({ what, ...outcome, delayMs }).toMatchObject({ exit: 0 });
  await expect.poll(() => processesOf(bench.path), { message: what, timeout: 3000 }).toEqual([]);
  await expectCompleteStages(bench, what);
  if (then === 'finish') await finish(kills, {});
  if (then !== 'stay') await expectCollected(bench, what);
  await discard(kills);
}

/** Runs the command to its end. */
async function finish({ bench, stage, start }: Kills, env: Readonly<Record<string, string>>): Promise<void> {
  const { exit, stdout, stderr } = await start(env);
  expect(exit, stderr).toBe(0);
  expect(bench.stages()[stage]).toEqual([stdout.trim()]);
}

/** Removes the stage, so that the command makes it again. */
async function discard({ bench, stage }: Kills): Promise<void> {
  for (const key of bench.stages()[stage]) expect(await bench.vm(['vm', 'rm', key])).toMatchObject({ exit: 0 });
}

async function expectCompleteStages(bench: Bench, what: string): Promise<void> {
  const { exit, stdout } = await bench.vm(['vm', 'ls', '--json']);
  expect(exit, what).toBe(0);
  const { stages } = JSON.parse(stdout) as { stages: { stage: string; key: string; isDamaged: boolean }[] };
  for (const { stage, key, isDamaged } of stages) {
    expect(isDamaged, `${what}: ${stage} ${key}`).toBe(false);
    const directory = join(bench.vmDir, stage, key);
    const manifest = JSON.parse(readFileSync(join(directory, 'stage.json'), 'utf8')) as Manifest;
    for (const [name, stamp] of Object.entries(byFileName<FileStamp>(manifest))) {
      const sha256 = await sha256OfFile(join(directory, name));
      expect(stamp, `${what}: ${stage} ${name}`).toMatchObject({ sha256 });
    }
  }
}

/** Fails if anything but stages, logs and records is left after `vm gc`, an hour later: a temporary file that is
 *  younger can be that of a running process. */
async function expectCollected(bench: Bench, what: string): Promise<void> {
  const twoHoursAgo = Date.now() / 1000 - 7200;
  for (const path of readdirSync(bench.vmDir, { recursive: true }) as string[])
    if (path.endsWith('.tmp')) utimesSync(join(bench.vmDir, path), twoHoursAgo, twoHoursAgo);
  expect(await bench.gc(), what).toMatchObject({ exit: 0, stderr: '' });
  expect(readdirSync(bench.temporary), what).toEqual([]);
  expect(namesIn(join(bench.vmDir, 'work')), what).toEqual([]);
  expect(namesIn(join(bench.vmDir, 'locks')), what).toEqual([]);
  const all = readdirSync(bench.vmDir, { recursive: true }) as string[];
  expect(
    all.filter((path) => path.endsWith('.tmp')),
    what,
  ).toEqual([]);
}
