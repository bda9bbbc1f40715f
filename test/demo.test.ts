import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT, runCommand } from './support/transcript.ts';

test('the demo resolves, explains and prints a plan', async () => {
  const { exit, stdout, stderr } = await runCommand('node fixtures/demo/run.js');
  expect(stderr).toBe('');
  expect(exit).toBe(0);
  await expect(stdout).toMatchFileSnapshot(join(PROJECT, 'fixtures/demo-output.txt'));
});
