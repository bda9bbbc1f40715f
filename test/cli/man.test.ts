import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { PROJECT } from '../support/transcript.ts';

const PAGE = join(PROJECT, 'dist/man/cygstrap.1');

test('the manual page has every command and option', () => {
  const lines = new Set(readFileSync(PAGE, 'utf8').replaceAll('\\-', '-').split('\n'));
  for (const { name, options } of COMMANDS) {
    expect(lines).toContain(`.SS cygstrap ${name}`);
    for (const [option, { valueName, short }] of Object.entries(options)) {
      const value = valueName === undefined ? '' : ` ${valueName}`;
      expect(lines).toContain(`.B ${short === undefined ? '' : `-${short}, `}--${option}${value}`);
    }
  }
});

test.skipIf(spawnSync('groff', ['--version']).error !== undefined)(
  'groff has no warning of it (skipped without groff)',
  () => {
    const { status, stderr } = spawnSync('groff', ['-ww', '-man', '-Tutf8', PAGE], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);
