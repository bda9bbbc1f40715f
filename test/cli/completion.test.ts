import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { SHELLS, completionScript } from '../../src/cli/terminal/completion-scripts.ts';
import { completionsOf } from '../../src/cli/completion.ts';
import { runMain } from '../support/main.ts';
import { PROJECT } from '../support/transcript.ts';

const none = async (): Promise<string[]> => [];

describe('completions', () => {
  test.each([
    [['re'], ['remove', 'report', 'resolve']],
    [['vm', 'sn'], ['snapshot']],
    [['help', 'vm', 'ru'], ['run']],
    [['resolve', '--form'], ['--format']],
    [
      ['resolve', '--format', 't'],
      ['table', 'tree'],
    ],
    [
      ['resolve', '--format=t'],
      ['--format=table', '--format=tree'],
    ],
    [
      ['resolve', '--format', '=', 't'],
      ['table', 'tree'],
    ],
    [
      ['vm', 'install', '--firmware', '='],
      ['bios', 'uefi'],
    ],
    [['completion', ''], [...SHELLS].sort()],
    [['completion', ' '], [...SHELLS].sort()],
    [['vm', 'run', '--', 'un'], []],
    [['resolve', '--index', ''], []],
    [['nothing', 'of', 'the', 'kind'], []],
  ])('%j', async (words, expected) => {
    expect(await completionsOf(words, none)).toEqual(expected);
  });

  test('every command and every option is offered', async () => {
    for (const { name, options } of COMMANDS) {
      const words = name.split(' ');
      expect(await completionsOf(words, none)).toContain(words.at(-1));
      const offered = await completionsOf([...words, '--'], none);
      expect(offered).toEqual(expect.arrayContaining(Object.keys(options).map((option) => `--${option}`)));
    }
  });

  test('names of packages come from the index; without one there are none', async () => {
    const index = join(PROJECT, 'fixtures/demo/setup.ini');
    expect((await runMain(['__complete', 'info', '--index', index, 'lib'], tmpdir())).stdout.split('\n')).toContain(
      'libssl3',
    );
    expect((await runMain(['__complete', 'resolve', '--index', index, 'curl,libs'], tmpdir())).stdout).toBe(
      'curl,libssl3\n',
    );
    expect(await runMain(['__complete', 'info', 'lib'], tmpdir())).toEqual({ exit: 0, stdout: '', stderr: '' });
  });
});

describe('the script in its shell', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'completion-'));
    const program = join(directory, 'cygstrap');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(PROJECT, 'bin/cygstrap.js')}' "$@"\n`);
    chmodSync(program, 0o755);
    symlinkSync(join(PROJECT, 'fixtures'), join(directory, 'fixtures'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function offeredBy(shell: string, args: readonly string[], script: string): string[] {
    const { stdout, stderr } = spawnSync(shell, [...args, script], {
      cwd: directory,
      env: { PATH: `${directory}:${process.env['PATH']}`, HOME: directory, XDG_CONFIG_HOME: directory },
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(`no completions: ${stderr}`);
    return stdout.trim().split('\n').sort();
  }

  const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

  const INDEX = ['cygstrap', 'resolve', '--index', 'fixtures/demo/setup.ini', 'libs'];

  test.skipIf(!isThere('bash'))('bash (skipped without it)', () => {
    const complete = (words: readonly string[]): string =>
      `${completionScript('bash')}\nCOMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}
       _cygstrap; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p cygstrap`;
    expect(offeredBy('bash', ['--norc', '-c'], complete(['cygstrap', 'resol']))).toEqual([
      'complete -o default -F _cygstrap cygstrap',
      'resolve',
    ]);
    expect(offeredBy('bash', ['--norc', '-c'], complete(INDEX))).toContain('libssl3');
  });

  test.skipIf(!isThere('zsh'))('zsh (skipped without it)', () => {
    // `compadd` works only while a line is being edited: it is replaced by one that prints.
    const complete = (words: readonly string[]): string =>
      `compdef() { :; }; compadd() { print -l -- "\${(@P)2}"; }; _files() { print FILES; }
       ${completionScript('zsh')}\nwords=(${words.join(' ')}); CURRENT=${words.length}; _cygstrap`;
    expect(offeredBy('zsh', ['-f', '-c'], complete(['cygstrap', 'resol']))).toEqual(['resolve']);
    expect(offeredBy('zsh', ['-f', '-c'], complete(INDEX))).toEqual(['libssl3']);
    expect(offeredBy('zsh', ['-f', '-c'], complete(['cygstrap', 'lint', 'fixt']))).toEqual(['FILES']);
  });

  test.skipIf(!isThere('fish'))('fish (skipped without it)', () => {
    const complete = (line: string): string => `${completionScript('fish')}\ncomplete --do-complete '${line}'`;
    expect(offeredBy('fish', ['--no-config', '-c'], complete('cygstrap resol'))).toEqual(['resolve']);
    expect(offeredBy('fish', ['--no-config', '-c'], complete(INDEX.join(' ')))).toEqual(['libssl3']);
    expect(offeredBy('fish', ['--no-config', '-c'], complete('cygstrap lint fixt'))[0]).toMatch(/^fixtures/);
  });
});
