import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { collectStages, removeStages } from '../../src/api/vm-stages.ts';
import { makeVmReport } from '../../src/api/vm-report.ts';
import type { Event } from '../../src/events.ts';
import { STAGE_FILES, stagePath, timesPath, vmPlaces } from '../../src/stages/layout.ts';
import type { VmPlaces } from '../../src/stages/layout.ts';
import { reuseOrMake } from '../../src/stages/reuse-or-make.ts';
import { withStageLock } from '../../src/stages/stage-store.ts';
import { readTimes, recordTimes } from '../../src/stages/times.ts';
import type { Times } from '../../src/stages/times.ts';
import { temporaryDirectory } from '../vm/support.ts';
import { INSTALLED, SNAPSHOT } from './records.ts';

interface Bench {
  readonly places: VmPlaces;
  readonly context: Parameters<typeof reuseOrMake>[0];
  readonly events: Event[];
  readonly stop: AbortController;
  /** For operations of the library. */
  readonly directory: { readonly directory: string; readonly env: Record<string, string> };
}

function bench(): Bench {
  const root = temporaryDirectory();
  const places = vmPlaces(join(root, 'vm'));
  const events: Event[] = [];
  const stop = new AbortController();
  const context = {
    places,
    host: {},
    guest: { name: 'stand-in' },
    version: 'test',
    report: (event: Event) => void events.push(event),
    signal: stop.signal,
  };
  return { places, context, events, stop, directory: { directory: places.root, env: { XDG_CACHE_HOME: root } } };
}

const RUN = { activity: 'run', key: 'def' } as const;

function writeStage(
  places: VmPlaces,
  manifest: { readonly stage: 'install' | 'snapshot'; readonly key: string },
): void {
  const file = join(stagePath(places, manifest.stage, manifest.key), STAGE_FILES.manifest);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(manifest));
}

test('the times of a run: phases, first output, exit code, and no command line', async () => {
  const { places, context } = bench();
  const result = await recordTimes(context, RUN, async (stopwatch) => {
    stopwatch.start('resume');
    stopwatch.start('command');
    stopwatch.noteOutput();
    stopwatch.result = { code: 7, isCold: true };
    stopwatch.start('power-off');
    return 'done';
  });
  expect(result).toBe('done');
  const [times, ...others] = await readTimes(places);
  expect(others).toEqual([]);
  expect(times).toEqual({
    activity: 'run',
    key: 'def',
    guest: 'stand-in',
    startedMs: expect.any(Number),
    durationMs: expect.any(Number),
    end: 'done',
    code: 7,
    isCold: true,
    firstOutputMs: expect.any(Number),
    phases: ['resume', 'command', 'power-off'].map((name) => ({ name, durationMs: expect.any(Number) as number })),
  });
  const total = times?.phases.reduce((sum, { durationMs }) => sum + durationMs, 0);
  expect(total).toBe(times?.durationMs);
  const [name = ''] = readdirSync(timesPath(places, 'run', 'def'));
  expect(statSync(join(timesPath(places, 'run', 'def'), name)).mode & 0o777).toBe(0o600);
});

test.each([
  ['failed', false],
  ['interrupted', true],
])('work that is %s is recorded, and its error is thrown', async (end, isAborted) => {
  const { places, context, stop } = bench();
  const error = new Error('the reason');
  await expect(
    recordTimes(context, RUN, async () => {
      if (isAborted) stop.abort(error);
      throw error;
    }),
  ).rejects.toBe(error);
  expect(await readTimes(places)).toMatchObject([{ end, code: null, firstOutputMs: null, phases: [] }]);
});

test('the steps of a stage are its phases; equal steps in a row are one', async () => {
  const { places, context } = bench();
  const step = (text: string): Event => ({ kind: 'stage-step', stage: 'install', text });
  const machine: Event = { kind: 'machine-start', name: 'install', pid: 1, consoleLog: '', command: 'qemu -secret' };
  await reuseOrMake(context, { stage: 'install', key: 'abc' }, async ({ report }) => {
    for (const event of [step('write the media'), machine, step('packages'), step('packages'), machine]) report(event);
    return INSTALLED;
  });
  const [times] = await readTimes(places);
  expect(times?.phases.map(({ name }) => name)).toEqual(['prepare', 'write the media', 'start', 'packages']);
  const [name = ''] = readdirSync(timesPath(places, 'install', 'abc'));
  expect(readFileSync(join(timesPath(places, 'install', 'abc'), name), 'utf8')).not.toContain('secret');
});

test('a guest that reports steps without end has a hundred phases', async () => {
  const { places, context } = bench();
  await recordTimes(context, RUN, async (stopwatch) => {
    for (let i = 0; i < 1000; i++) stopwatch.start(`step ${i}`);
  });
  expect((await readTimes(places))[0]?.phases).toHaveLength(100);
});

test('records of runs at the same time are all kept, and the newest 500 of all', async () => {
  const { places, context } = bench();
  const directory = timesPath(places, 'run', 'def');
  mkdirSync(directory, { recursive: true });
  for (let i = 0; i < 520; i++) writeFileSync(join(directory, `${`${i}`.padStart(15, '0')}-abcdef01.json`), '{}');
  await Promise.all(Array.from({ length: 20 }, () => recordTimes(context, RUN, async () => {})));
  expect(readdirSync(directory)).toHaveLength(500);
  expect(await readTimes(places)).toHaveLength(20);
});

test('records that are damaged or of another version are skipped', async () => {
  const { places, context } = bench();
  await recordTimes(context, RUN, async () => {});
  const directory = timesPath(places, 'run', 'def');
  const [name = ''] = readdirSync(directory);
  const text = readFileSync(join(directory, name), 'utf8');
  const others = [
    '',
    text.slice(0, 50),
    text.replace('"schema":1', '"schema":2'),
    text.replace('"done"', '"<script>"'),
  ];
  others.forEach((other, i) => writeFileSync(join(directory, `${i}-abcdef01.json`), other));
  expect(await readTimes(places)).toHaveLength(1);
});

test('times that cannot be written are reported as a note, and the result stays', async () => {
  const { places, context, events } = bench();
  mkdirSync(places.root, { recursive: true });
  writeFileSync(places.times, 'not a directory');
  expect(await recordTimes(context, RUN, async () => 1)).toBe(1);
  expect(events).toEqual([{ kind: 'note', message: expect.stringMatching(/^cannot write the times to /) as string }]);
});

test('rm removes the times of a stage and of its runs; gc those of stages that do not exist', async () => {
  const { places, context, directory } = bench();
  const kinds = (): string[] => readdirSync(places.times).sort();
  const record = async (activity: Times['activity'], key: string): Promise<void> =>
    recordTimes(context, { activity, key }, async () => {});
  writeStage(places, INSTALLED);
  writeStage(places, SNAPSHOT);
  for (const [activity, key] of [
    ['install', 'abc'],
    ['snapshot', 'def'],
    ['run', 'def'],
    ['install', 'bbb'],
    ['run', 'ccc'],
    ['snapshot', 'ddd'],
  ] as const)
    await record(activity, key);
  await withStageLock(places, { stage: 'snapshot', key: 'ddd' }, {}, async () => {
    const { leftovers } = await collectStages({ nowMs: Date.now() }, directory);
    expect(leftovers.map((path) => path.slice(places.times.length + 1))).toEqual(['install-bbb', 'run-ccc']);
  });
  expect(kinds()).toEqual(['install-abc', 'run-def', 'snapshot-ddd', 'snapshot-def']);
  await removeStages(['def'], directory);
  expect(kinds()).toEqual(['install-abc', 'snapshot-ddd']);
});

test('a stage without a record has the duration of its manifest; guests can be selected', async () => {
  const { places, context, directory } = bench();
  writeStage(places, INSTALLED);
  writeStage(places, { ...SNAPSHOT, key: 'fed' });
  await recordTimes(context, { activity: 'install', key: 'abc' }, async () => {});
  const { times } = await makeVmReport(directory);
  expect(times).toMatchObject([
    { activity: 'snapshot', key: 'fed', startedMs: Date.parse(SNAPSHOT.made.saved) - 5, durationMs: 5, phases: [] },
    { activity: 'install', key: 'abc', end: 'done' },
  ]);
  expect((await makeVmReport({ ...directory, guest: 'windows-11' })).times).toEqual([]);
  expect((await makeVmReport({ ...directory, guest: 'stand-in' })).times).toEqual(times);
});
