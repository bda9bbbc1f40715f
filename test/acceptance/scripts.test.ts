import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeWith } from '../support/qemu.ts';
import { PROJECT } from '../support/transcript.ts';

const SCRIPT = join(PROJECT, 'test/acceptance/windows.sh');
const GUEST_SCRIPTS = join(PROJECT, 'test/rehearsal/windows');
const WORKFLOW = readFileSync(join(PROJECT, '.github/workflows/windows.yml'), 'utf8');

/** Returns the shell code of the steps of a workflow. */
function stepsOf(workflow: string): string[] {
  return [...workflow.matchAll(/^( *)run: \|\n((?:\1 {2}.*\n|\n)+)/gm)].map(([, , code = '']) => code);
}

function shellcheck(shell: 'bash' | 'dash', text: string): string {
  const { stdout, stderr } = spawnSync('shellcheck', ['-S', 'warning', '-s', shell, '-'], {
    input: text,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

describeWith(['shellcheck'], 'shellcheck', () => {
  test.each(readdirSync(GUEST_SCRIPTS).filter((name) => name.endsWith('.sh')))('finds nothing in %s', (name) => {
    expect(shellcheck('dash', readFileSync(join(GUEST_SCRIPTS, name), 'utf8'))).toBe('');
  });

  test('finds nothing in the acceptance script', () => {
    expect(shellcheck('bash', readFileSync(SCRIPT, 'utf8'))).toBe('');
  });
});

describe('the acceptance script', () => {
  test.each([
    ['no image', []],
    ['an address without a digest', ['--iso', 'http://127.0.0.1/win.iso']],
    ['an unknown option', ['--iso', 'win.iso', '--fast']],
    ['an option without a value', ['--iso']],
  ])('refuses %s', (_, words) => {
    const { status, stdout, stderr } = spawnSync(SCRIPT, words, { encoding: 'utf8' });
    expect([status, stdout, stderr === '']).toEqual([2, '', false]);
  });

  test('has the options that the workflow uses', () => {
    const { stdout } = spawnSync(SCRIPT, ['--help'], { encoding: 'utf8' });
    const used = stepsOf(WORKFLOW).find((step) => step.includes('acceptance/windows.sh')) ?? expect.fail();
    const [own = ''] = used.split(' -- ');
    for (const option of own.match(/--[\w-]+/g) ?? []) expect(stdout).toContain(`  ${option} `);
  });
});
