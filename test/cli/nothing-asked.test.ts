import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { runCli } from '../support/run-cli.ts';

/** Command lines without a request, in a directory without project file and lock, and without a site or a repo. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  resolve: [],
  report: [],
  lock: [],
  update: [],
  outdated: [],
  fetch: [],
  bundle: ['--out', 'new.tar'],
  media: ['--out', 'new'],
  install: ['--root', 'new'],
  'vm install': [],
  build: ['--', 'uname'],
};

/** Commands that need other words: names of packages, locks or a repo. */
const OTHERS = ['add', 'remove', 'why', 'search', 'diff', 'verify', 'prune', 'serve'];

test.each(Object.entries(LINES))('%s refuses a command line that asks for nothing', async (name, words) => {
  expect(await runCli([...name.split(' '), ...words])).toEqual({
    exit: 2,
    stdout: '',
    stderr:
      'error: nothing is asked for: no packages and no project file are given\n' +
      'hint: name packages or `--category Base`, as in `cygstrap lock git`, or create a project file with ' +
      '`cygstrap init`\n',
  });
});

test.each([
  ['lock', '--check'],
  ['install', '--check', '--root', 'new'],
  ['fetch', '--site', 'http://127.0.0.1:9'],
  ['fetch', '--repo', 'new'],
  ['media', '--out', 'new', '--repo', 'new'],
])('%j with a part of what it needs refuses it alike', async (...argv) => {
  expect(await runCli([...argv, '--json'])).toMatchObject({
    exit: 2,
    stdout: expect.stringContaining('"code":"usage","message":"nothing is asked for') as string,
  });
});

test('every command with a request or a lock is tested', () => {
  const names = COMMANDS.filter(({ options }) => 'lock' in options || 'category' in options).map(({ name }) => name);
  expect(names.filter((name) => !OTHERS.includes(name)).sort()).toEqual(Object.keys(LINES).sort());
});
