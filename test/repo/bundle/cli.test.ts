import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleCommand } from '../../../src/cli/commands/bundle.ts';
import { Output } from '../../../src/cli/terminal/output.ts';
import { parseWords } from '../../../src/cli/options/parse.ts';
import { contentsOf, makeRepo } from './support.ts';

let base = '';
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-bundle-cli-'));
  await makeRepo(join(base, 'near'), { bash: ['5.1-1', 3000], zlib: ['1.2-1', 700] });
  await makeRepo(join(base, 'far'), { bash: ['5.2-1', 3100], zlib: ['1.2-1', 700] });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function run(...argv: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const task = bundleCommand.task(parseWords(bundleCommand, argv));
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const host = { stdin: Readable.from([]), stdout, stderr, env: {} };
  const exit = await task({ host, output: new Output(host) });
  stdout.end();
  stderr.end();
  return { exit, stdout: (await text(stdout)).replaceAll(base, ''), stderr: await text(stderr) };
}

const at = (path: string): string => join(base, path);

const SETUP_LINE =
  'install it on Windows: setup-x86_64.exe --quiet-mode --upgrade-also --no-verify --local-install ' +
  '--local-package-dir C:\\repo --packages "bash,zlib"\n';

test('transfers the new state', async () => {
  const made = await run(
    '--repo',
    at('far/repo'),
    '--lock',
    at('far/cygstrap.lock.json'),
    '--since',
    at('near/cygstrap.lock.json'),
    '--out',
    at('new.tar'),
  );
  expect(made).toEqual({
    exit: 0,
    stdout: `\`/new.tar\`: 1 archive, 9.5 KiB; 1 left out, which \`/near/cygstrap.lock.json\` lists\n${SETUP_LINE}`,
    stderr: '',
  });
  mkdirSync(at('copy'));
  cpSync(at('near'), at('copy'), { recursive: true });
  const taken = await run('--apply', at('new.tar'), '--repo', at('copy/repo'), '--lock', at('copy/cygstrap.lock.json'));
  expect(taken).toEqual({
    exit: 0,
    stdout:
      '`/copy/repo` matches `/copy/cygstrap.lock.json`: 2 packages; 1 archive, 3.0 KiB added, 1 already present\n' +
      SETUP_LINE,
    stderr: '',
  });
  expect(contentsOf(at('copy/repo'))).toMatchObject(contentsOf(at('far/repo')));
  const json = await run(
    '--apply',
    at('new.tar'),
    '--repo',
    at('copy/repo'),
    '--lock',
    at('copy/cygstrap.lock.json'),
    '--json',
  );
  expect(JSON.parse(json.stdout)).toEqual({
    schema: 1,
    repo: '/copy/repo',
    lock: '/copy/cygstrap.lock.json',
    packages: 2,
    files: 0,
    size: 0,
    present: 2,
    setup: { program: 'setup-x86_64.exe', arguments: expect.arrayContaining(['/copy/repo', 'bash,zlib']) },
  });
});

test.each([
  [[], '--out or --apply is missing'],
  [['--apply', 'x', '--out', 'y'], '--apply cannot be combined with --out'],
  [['--apply', 'x', '--since', 'y'], '--apply cannot be combined with --since'],
  [['--out', 'x', '--out', 'y'], '--out is given more than once'],
])('%j is misuse', async (argv, message) => {
  await expect(run('--repo', 'x', ...argv)).rejects.toThrow(message);
});
