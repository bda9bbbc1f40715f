import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { StageContext } from '../../src/stages/context.ts';
import { evaluationEnd, evaluationWarning } from '../../src/stages/evaluation.ts';
import { stagePath, vmPlaces } from '../../src/stages/layout.ts';
import { runStage } from '../../src/stages/run.ts';
import type { GuestSettings } from '../../src/stages/run.ts';
import { runCommand } from '../support/transcript.ts';
import { temporaryDirectory } from '../vm/support.ts';
import { INSTALLED, SNAPSHOT } from './records.ts';

const DAY_MS = 24 * 60 * 60_000;
const INSTALLED_MS = Date.UTC(2026, 0, 1);
const ENDS = evaluationEnd(INSTALLED_MS, 90);

test('an evaluation ends a number of days after the installation', () => {
  expect(ENDS).toBe('2026-04-01T00:00:00.000Z');
});

test.each([
  ['eleven days before', ENDS, 79, undefined],
  ['ten days before', ENDS, 80, 'the evaluation of this Windows ends on 2026-04-01'],
  ['after it', ENDS, 91, 'the evaluation of this Windows ended on 2026-04-01'],
  ['other guests', null, 1000, undefined],
])('warning: %s', (_, ends, days, start) => {
  const warning = evaluationWarning(ends, INSTALLED_MS + days * DAY_MS);
  if (start === undefined) expect(warning).toBeUndefined();
  else expect(warning).toMatch(new RegExp(`^${start}, .*--clock installed`));
});

test('vm ls shows the end, and warns once for an installed disk', async () => {
  const root = temporaryDirectory();
  const ends = new Date(Date.now() + 5 * DAY_MS).toISOString();
  for (const manifest of [INSTALLED, SNAPSHOT]) {
    const directory = stagePath(vmPlaces(root), manifest.stage, manifest.key);
    mkdirSync(directory, { recursive: true });
    const made = { ...manifest.made, evaluationEnds: ends };
    writeFileSync(join(directory, 'stage.json'), JSON.stringify({ ...manifest, made }));
  }
  const { exit, stdout, stderr } = await runCommand(`cygstrap vm ls --vm-dir ${root}`);
  expect(exit, stderr).toBe(0);
  expect(stdout.match(new RegExp(`, evaluation until ${ends.slice(0, 10)}$`, 'gm'))).toHaveLength(2);
  expect(stderr).toBe(`warning: install ${INSTALLED.key}: ${evaluationWarning(ends, Date.now())}\n`);
  const json = await runCommand(`cygstrap vm ls --json --vm-dir ${root}`);
  expect(JSON.parse(json.stdout)).toMatchObject({ stages: [{ evaluationEnds: ends }, { evaluationEnds: ends }] });
});

/** Runs a command in a guest that the test does not have: what is reported before the machine starts. */
async function reportsOf(settings: GuestSettings, evaluationEnds: string | null): Promise<string[]> {
  const events: Event[] = [];
  const aborted = new AbortController();
  aborted.abort(new Error('no machine'));
  const context = {
    places: vmPlaces(temporaryDirectory()),
    guest: standIn,
    report: (event: Event) => void events.push(event),
    signal: aborted.signal,
  } as unknown as StageContext;
  const snapshot = { ...SNAPSHOT, made: { ...SNAPSHOT.made, evaluationEnds } };
  const request = { argv: ['true'], environment: {}, timeoutMs: 60_000, isKept: false, ...settings };
  await expect(runStage(context, snapshot, request, { onOutput: () => {} })).rejects.toThrow();
  return events.map((event) => ('message' in event ? event.message : event.kind));
}

test('a run warns, unless the guest stays at the date of its snapshot', async () => {
  expect(await reportsOf({}, ENDS)).toEqual([expect.stringContaining('ended on 2026-04-01')]);
  expect(await reportsOf({ clock: 'installed' }, ENDS)).toEqual([]);
  expect(await reportsOf({}, null)).toEqual([]);
});

test('drive letters are refused for a guest without them', async () => {
  const context = { guest: standIn, report: () => {}, signal: new AbortController().signal } as unknown as StageContext;
  const drives = new Map([['Z', 'xchg']] as const);
  const request = { argv: ['true'], environment: {}, timeoutMs: 60_000, isKept: false, drives };
  await expect(runStage(context, SNAPSHOT, request, { onOutput: () => {} })).rejects.toMatchObject({
    code: 'usage',
    message: 'guests of kind `stand-in` have no drive letters',
    hint: 'leave out `--drive`: the shares are `/store` and `/xchg`',
  });
});
