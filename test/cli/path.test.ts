import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { pathOrUrlOf, pathOf } from '../../src/cli/options/path.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryDirectory } from '../repo/support.ts';

const INDEX = pathToFileURL('fixtures/demo/setup.ini').href;
const PATHS = ['FILE', 'DIR', 'PATH'];
/** Options for indexes, which can also be read from mirrors. */
const INDEXES = ['index', 'with', 'report before'];

const options = COMMANDS.flatMap(({ name: command, options: declared }) =>
  Object.entries(declared)
    .filter(([, { valueName = '' }]) => PATHS.includes(valueName))
    .map(([name, option]) => ({ command, name, option })),
);

test.each(options)('$command --$name accepts a file URL as a path, and no other URL', ({ command, name, option }) => {
  const path = process.platform === 'win32' ? String.raw`C:\a b` : '/a b';
  const read = (text: string): unknown => [option.read([text], name)].flat();
  expect(read(pathToFileURL(path).href)).toEqual([path]);
  expect(read('a/b')).toEqual(['a/b']);
  expect(() => read('ftp://127.0.0.1/b')).toThrow(`--${name} accepts a path`);
  const url = 'https://127.0.0.1/x86_64/setup.xz';
  if (INDEXES.some((each) => each === name || each === `${command} ${name}`)) expect(read(url)).toEqual([url]);
  else expect(() => read(url)).toThrow(`--${name} accepts a path, but no URL: \`${url}\``);
});

test('a path of Windows has no scheme', () => {
  for (const path of ['C:\\a', 'C:/a', 'c://a', '-'])
    expect([pathOf(path, ''), pathOrUrlOf(path, '')]).toEqual([path, path]);
});

test('a file URL with a host is refused', () => {
  expect(() => pathOf(process.platform === 'win32' ? 'file:///a%2fb' : 'file://127.0.0.1/b', '--lock')).toThrow(
    '--lock has a URL that names no local file',
  );
});

test.each([
  ['resolve', 'vim', '--index', INDEX],
  ['info', 'vim', '--index', INDEX],
  ['lint', INDEX],
  ['lint', 'fixtures/demo/setup.ini', '--with', INDEX],
  ['diff', INDEX, 'fixtures/demo/setup.ini'],
  ['diff', 'fixtures/demo/setup.ini', INDEX],
])('%s %s %s %s reads it', async (...words) => {
  const path = words.map((word) => (word === INDEX ? 'fixtures/demo/setup.ini' : word));
  expect(await runCli(words)).toMatchObject({ exit: (await runCli(path)).exit, stderr: '' });
});

test('sites reads a list by its file URL', async () => {
  const file = join(temporaryDirectory(), 'mirrors.lst');
  writeFileSync(file, 'https://mirror.example/cygwin/;mirror.example;Europe;Spain\n');
  expect(await runCli(['sites', pathToFileURL(file).href, '--json'])).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining('"host": "mirror.example"') as string,
  });
});

test.each([['verify'], ['prune'], ['serve'], ['media', 'inspect']])(
  '%s refuses a URL as its argument',
  async (...words) => {
    expect(await runCli([...words, 'https://127.0.0.1/r'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('accepts a path, but no URL: `https://127.0.0.1/r`\nhint: download it') as string,
    });
  },
);
