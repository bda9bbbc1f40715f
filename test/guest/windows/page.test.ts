import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EMULATION_FACTOR } from '../../../src/guest/install-progress.ts';
import { LEGACY_PROGRESS, WINDOWS_PROGRESS } from '../../../src/guest/windows/progress.ts';
import { PROJECT } from '../../support/transcript.ts';

const page = readFileSync(join(PROJECT, 'src/docs/windows.md'), 'utf8');
const minutes = (ms: number): string => `${ms / 60_000} min`;

test('the page about Windows has the phases and their limits', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| (\d+ min) \|$/gm)].map(([, name, limit]) => [name, limit]);
  expect(rows).toEqual(WINDOWS_PROGRESS.phases.map(({ name, timeoutMs }) => [name, minutes(timeoutMs)]));
  for (const { name, timeoutMs } of LEGACY_PROGRESS.phases.slice(1, 3))
    expect(page).toContain(`\`${name}\` (${minutes(timeoutMs)})`);
});

test('the page about Windows has the other limits', () => {
  expect(page).toContain(`multiplied by ${EMULATION_FACTOR}.`);
  expect(page).toContain(`default ${WINDOWS_PROGRESS.stallTimeoutMs / 60_000} minutes`);
  expect(WINDOWS_PROGRESS.restarts?.max).toBe(6);
});
