import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { Output } from '../../src/cli/terminal/output.ts';
import { Progress, redraw } from '../../src/cli/terminal/progress.ts';
import { ProgressView } from '../../src/cli/terminal/progress-view.ts';
import type { Event } from '../../src/events.ts';

const START: Event = {
  kind: 'fetch-start',
  files: 12,
  sizeBytes: 12_000_000,
  presentFiles: 2,
  presentBytes: 2_000_000,
};

const start = (path: string, fromByte = 0): Event => ({
  kind: 'transfer-start',
  path,
  site: 's',
  sizeBytes: 1_000_000,
  fromByte,
});
const bytes = (path: string, receivedBytes: number): Event => ({ kind: 'transfer-bytes', path, receivedBytes });

function progressOf(...events: readonly Event[]): Progress {
  const progress = new Progress();
  for (const event of events) progress.add(event);
  return progress;
}

test('prints the total of archives that are read for their files', () => {
  const lines = progressOf(
    { kind: 'list-start', archives: 3, sizeBytes: 4_000_000 },
    { kind: 'archive-listed', path: 'a', sizeBytes: 1_000_000, durationMs: 5 },
  ).lines(1000);
  expect(lines).toEqual(['1 of 3 files, 976.6 KiB of 3.8 MiB, 976.6 KiB/s, 3 s left']);
});

test('prints one line for each transfer, and the total with rate and remaining time', () => {
  const lines = progressOf(
    START,
    start('x86_64/release/a.tar.xz'),
    bytes('x86_64/release/a.tar.xz', 250_000),
    start('b', 500_000),
  ).lines(1000);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^ {2}a\.tar\.xz .* 25%$/);
  expect(lines[1]).toMatch(/^ {2}b .* 50%$/);
  expect(lines[2]).toBe('0 of 10 files, 732.4 KiB of 9.5 MiB, 244.1 KiB/s, 37 s left');
});

test('the rate and the remaining time of a resumed fetch count new bytes only', () => {
  const resumed = [START, start('a', 900_000), start('b', 600_000)];
  expect(
    progressOf(...resumed)
      .lines(2000)
      .at(-1),
  ).toBe('0 of 10 files, 1.4 MiB of 9.5 MiB, 0 B/s');
  const events = [...resumed, bytes('a', 100_000), bytes('b', 300_000)];
  expect(
    progressOf(...events)
      .lines(2000)
      .at(-1),
  ).toBe('0 of 10 files, 1.8 MiB of 9.5 MiB, 195.3 KiB/s, 41 s left');
});

test('removes finished and failed transfers; bytes of failed ones do not count', () => {
  const done: Event = { kind: 'transfer-done', path: 'a', sizeBytes: 1_000_000, durationMs: 1 };
  const failed: Event = { kind: 'transfer-failed', path: 'b', site: 's', attempt: 1, why: 'x', retryInMs: 0 };
  const lines = progressOf(
    START,
    start('a'),
    bytes('a', 1_000_000),
    done,
    start('b'),
    bytes('b', 700_000),
    failed,
  ).lines(1000);
  expect(lines).toEqual(['1 of 10 files, 976.6 KiB of 9.5 MiB, 1.6 MiB/s, 6 s left']);
});

test('lists at most eight transfers', () => {
  const lines = progressOf(START, ...Array.from({ length: 11 }, (_, i) => start(`p${i}`))).lines(1000);
  expect(lines).toHaveLength(10);
  expect(lines[8]).toBe('  and 3 more');
});

test('escapes control characters in names, and truncates long names', () => {
  const [line = ''] = progressOf(start(`\u001b[2J${'x'.repeat(100)}`)).lines(0);
  expect(line).not.toContain('\u001b');
  expect(line.length).toBeLessThanOrEqual(78);
});

test('redrawing moves up over the drawn lines', () => {
  expect(redraw(0, ['a'])).toBe('\r\u001b[Ja\n');
  expect(redraw(3, [])).toBe('\u001b[3A\r\u001b[J');
});

test.each([
  ['a terminal', true, false],
  ['a file', false, false],
  ['no output, when quiet', true, true],
])('events for %s', async (_name, isTTY, quiet) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const host = { stdin: Readable.from([]), stdout: new PassThrough(), stderr, env: {} };
  const view = new ProgressView({ host, output: new Output(host) }, { quiet, verbose: false });
  for (const event of [START, start('a'), bytes('a', 10)]) view.add(event);
  vi.advanceTimersByTime(250);
  view.end();
  vi.useRealTimers();
  stderr.end();
  const written = await text(stderr);
  expect(written.includes('12 files')).toBe(!quiet);
  expect(written.includes('0 of 10 files')).toBe(isTTY && !quiet);
});
