import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/transcript.ts';
import { indexText } from '../support/universe.ts';
import type { MadePackage } from '../support/universe.ts';

const COUNT = 12_000;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-full-'));
  const chain = (last: readonly string[]): MadePackage[] =>
    Array.from({ length: COUNT }, (_, i) => ({ name: `p${i}`, requires: i + 1 < COUNT ? [`p${i + 1}`] : last }));
  writeFileSync(join(dir, 'good.ini'), indexText(chain([])));
  writeFileSync(join(dir, 'broken.ini'), indexText(chain(['missing'])));
});
afterAll(() => rmSync(dir, { recursive: true }));

const linesOf = (text: string): string[] => text.trimEnd().split('\n');

test.each([
  ['resolve p0 --format tree', 'good.ini', 0, 10_002, 12_120],
  [`why p${COUNT - 1} --for p0`, 'good.ini', 0, 10_001, 12_119],
  ['resolve p0', 'broken.ini', 1, 10_002, COUNT + 3],
])('%s prints 10,000 lines and the number of others, or all with --full', async (words, index, exit, cut, full) => {
  const command = `cygstrap ${words} --no-base --index ${join(dir, index)}`;
  const short = await runCommand(command, '');
  const lines = linesOf(short.stdout + short.stderr);
  expect(short.exit).toBe(exit);
  expect(lines.length).toBe(cut);
  expect(lines[10_000]).toMatch(/^\.\.\. \d+ more lines; --full prints all$/);
  const whole = await runCommand(`${command} --full`, '');
  expect(linesOf(whole.stdout + whole.stderr).length).toBe(full);
});
