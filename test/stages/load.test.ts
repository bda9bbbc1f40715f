import { expect, test } from 'vitest';
import { busyText, loadBetween, processorMsOf } from '../../src/stages/quiet.ts';

const LIMITS = { durationMs: 20_000, timeoutMs: 600_000, processorShare: 0.1, diskBytesPerSecond: 1e6 };

test.each([
  [{ processorMs: 0, diskBytes: 0 }, ''],
  // Two processors for ten seconds: 20 s.
  [{ processorMs: 2000, diskBytes: 10e6 }, ''],
  [{ processorMs: 2100, diskBytes: 0 }, 'its processors by 11 %'],
  [{ processorMs: 0, diskBytes: 11e6 }, 'its disks by 1.1 MB/s'],
  [{ processorMs: 20_000, diskBytes: 123e6 }, 'its processors by 100 %, its disks by 12.3 MB/s'],
])('load of two processors in ten seconds: %j', (used, text) => {
  const from = { ms: 5000, processorMs: 700, diskBytes: 42 };
  const to = { ms: 15_000, processorMs: 700 + used.processorMs, diskBytes: 42 + used.diskBytes };
  expect(busyText(loadBetween(from, to, 2), LIMITS)).toBe(text);
});

test('processor time of a thread whose name has blanks and parentheses', () => {
  const stat = '4711 (CPU 0) 9 (TCG) S 1 4711 4711 0 -1 4194368 1 2 3 4 250 31 7 8 20 0 3 0 12345 1 2\n';
  expect(processorMsOf(stat)).toBe(2810);
});
