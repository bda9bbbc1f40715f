import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { collectStages } from '../../src/api/vm-stages.ts';
import { temporaryPathOf } from '../../src/io/atomic-file.ts';
import { STAGES, STAGE_FILES, identitiesPath, logPaths, stagePath, vmPlaces } from '../../src/stages/layout.ts';
import { openWork } from '../../src/stages/stage-store.ts';
import { temporaryDirectory } from '../vm/support.ts';

const MINUTE_MS = 60_000;

/** Creates a file, or a directory with one file, that was last written some minutes before `nowMs`. */
function create(path: string, kind: 'file' | 'directory', nowMs: number, ageMinutes: number): void {
  mkdirSync(kind === 'file' ? dirname(path) : path, { recursive: true });
  writeFileSync(kind === 'file' ? path : join(path, 'content'), 'half');
  const time = (nowMs - ageMinutes * MINUTE_MS) / 1000;
  utimesSync(path, time, time);
}

function filesBelow(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).filter((path) => path.endsWith('.tmp')).sort();
}

test('gc removes the temporary files of killed processes from every place, when they are an hour old', async () => {
  const root = temporaryDirectory();
  const places = vmPlaces(join(root, 'vm'));
  const nowMs = Date.now();
  // Work directories and locks are removed as soon as their owner has ended.
  const { work: _, locks: __, root: ___, ...rest } = places;
  const targets = [
    // A place without files of its own can get some.
    ...Object.values(rest).flatMap((path) => [path, join(path, 'new')]),
    ...STAGES.flatMap((stage) => [
      identitiesPath(places, stage, 'abc'),
      ...Object.values(logPaths(places, stage, 'abc')),
      join(logPaths(places, stage, 'abc').setup, 'setupact.log'),
      ...Object.values(STAGE_FILES).map((name) => join(stagePath(places, stage, 'abc'), name)),
    ]),
  ];
  const [old, young] = [targets.map(temporaryPathOf), targets.map(temporaryPathOf)];
  for (const path of old) create(path, 'file', nowMs, 61);
  for (const path of targets.map(temporaryPathOf)) create(path, 'directory', nowMs, 61);
  for (const path of young) create(path, 'file', nowMs, 59);
  const paths = (): string[] => filesBelow(places.root).map((path) => join(places.root, path));
  expect(paths()).toHaveLength(3 * targets.length);
  // A stage without a manifest is damaged, and gc removes it.
  const running = await openWork(
    places,
    STAGES.map((stage) => ({ stage, key: 'abc' })),
  );
  await collectStages({ nowMs }, { directory: places.root, env: { XDG_CACHE_HOME: join(root, 'cache') } });
  expect(paths()).toEqual(young.toSorted());
  await running[Symbol.asyncDispose]();
});

test('gc keeps files of other names, the work of running processes, and what is outside', async () => {
  const root = temporaryDirectory();
  const places = vmPlaces(join(root, 'vm'));
  const nowMs = Date.now();
  await using running = await openWork(places);
  const outside = join(root, 'outside');
  const kept = [
    temporaryPathOf(join(running.path, 'xchg', 'file')),
    join(places.logs, 'a.tmp'),
    join(places.logs, `${basename(temporaryPathOf('a'))}.log`),
    temporaryPathOf(join(outside, 'file')),
  ];
  for (const path of kept) create(path, 'file', nowMs, 600);
  symlinkSync(outside, join(places.logs, 'link'));
  const before = readdirSync(root, { recursive: true });
  await collectStages({ nowMs }, { directory: places.root, env: { XDG_CACHE_HOME: join(root, 'cache') } });
  expect(readdirSync(root, { recursive: true })).toEqual(before);
});
