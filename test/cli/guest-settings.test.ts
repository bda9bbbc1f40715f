import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { settingsOf } from '../../src/cli/commands/vm-run.ts';
import { drive } from '../../src/cli/options/units.ts';
import type { Run } from '../support/main.ts';
import { runMain } from '../support/main.ts';

const settings = (...drives: readonly string[]): ReturnType<typeof settingsOf> =>
  settingsOf({
    store: undefined,
    writableStore: false,
    drive: drives.map((text) => drive(text, 'drive')),
    clock: 'now',
  });

async function vmRun(...words: readonly string[]): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-drive-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return runMain(['vm', 'run', '--vm-dir', join(directory, 'vm'), ...words, '--', 'true'], directory);
}

test('--drive connects letters to shares; letters and names in any case, in their order', () => {
  expect([...(settings('z:=XCHG', 'S:=store').drives ?? [])]).toEqual([
    ['Z', 'xchg'],
    ['S', 'store'],
  ]);
  expect(settings().drives?.size).toBe(0);
});

test('--drive refuses a letter given twice, letters of Windows itself, and other shares', async () => {
  expect(() => settings('Z:=xchg', 'z:=store')).toThrow('--drive names a letter twice');
  for (const [words, message] of [
    [['--drive', 'C:=xchg'], 'error: --drive is not a drive letter from D to Z with a share: `C:=xchg`\n'],
    [['--drive', 'Z:=other'], 'hint: write it as in `Z:=xchg` or `S:=store`\n'],
    [['--drive', 'Z=xchg'], '`Z=xchg`\n'],
  ] as const) {
    const { exit, stderr } = await vmRun(...words);
    expect([exit, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
});
