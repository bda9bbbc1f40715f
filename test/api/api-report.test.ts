import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { PROJECT } from '../support/transcript.ts';

test('the public declarations are those of fixtures/library-api.txt, and name only exported types', () => {
  const { status, stderr } = spawnSync(process.execPath, ['.ci/api-report.js'], { cwd: PROJECT, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
});
