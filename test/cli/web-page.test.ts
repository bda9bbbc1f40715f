import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runMain } from '../support/main.ts';
import { PROJECT } from '../support/transcript.ts';
import { temporaryDirectory } from '../repo/support.ts';

const PAGE = '<!DOCTYPE html>\n<html><title>Log in</title><p>Please log in to use this network</html>\n';
const PACKED = new Map(
  [
    ['xz', 'xz'],
    ['zst', 'zstd'],
    ['bz2', 'bzip2'],
  ].map(([form = '', program = '']) => [form, spawnSync(program, ['-c'], { input: PAGE }).stdout]),
);
const RELEASE = join(PROJECT, 'fixtures/release');

const page: RequestListener = (_request, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);

/** Networks that put a web page in the place of every file. */
const NETWORKS: readonly (readonly [name: string, answer: RequestListener])[] = [
  ['a page for every name', page],
  ['a page for every name, called a file', (_request, response) => void response.end(PAGE)],
  [
    'a redirect to a page',
    (request, response) =>
      request.url === '/login' ? page(request, response) : void response.writeHead(302, { location: '/login' }).end(),
  ],
  [
    'a page that is packed as the name says, and no signature',
    (request, response) => {
      const form = request.url?.split('.').at(-1) ?? '';
      if (form === 'sig') response.writeHead(404).end();
      else response.end(PACKED.get(form) ?? PAGE);
    },
  ],
  ['a packed page for every name', (_request, response) => void response.end(PACKED.get('xz'))],
];

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(NETWORKS)('a network that answers with %s', (_name, answer) => {
  test.each([
    ['resolve curl'],
    ['lock curl --lock LOCK'],
    ['fetch curl --repo REPO --lock LOCK'],
    ['lint'],
    ['info curl'],
  ])('%s: one message that says what to do, and never --unsigned', async (command) => {
    const site = await serve(answer);
    const directory = temporaryDirectory();
    const argv = command
      .replace('LOCK', join(directory, 'lock.json'))
      .replace('REPO', join(directory, 'repo'))
      .split(' ');
    for (const trusting of [[], ['--unsigned']])
      expect(await runMain([...argv, '--site', site, ...trusting], directory)).toEqual({
        exit: 3,
        stdout: '',
        stderr:
          `error: cannot fetch \`x86_64/setup.*\` from ${site}/: the site sent a web page instead of the file\n` +
          'hint: use another mirror, or open the address in a browser: a login page or proxy may respond instead of ' +
          'the site\n',
      });
  });
});

test('archives: the hint is about the web page', async () => {
  const site = await serve(page);
  const directory = temporaryDirectory();
  const lock = ['--lock', join(directory, 'lock.json')];
  const keyring = ['--keyring', join(RELEASE, 'key.gpg')];
  expect((await runMain(['lock', 'openssh', ...lock, ...keyring, '--site', RELEASE], directory)).exit).toBe(0);
  const fetch = ['fetch', '--frozen', '--no-cache', ...lock, '--repo', join(directory, 'repo'), '--site', site];
  const { exit, stderr } = await runMain(fetch, directory);
  expect(exit).toBe(3);
  expect(stderr).toContain('error: 5 of the files could not be fetched\n');
  expect(stderr).toMatch(
    /^hint: use another mirror, or open the address in a browser: .*; the other files are stored$/m,
  );
});

test('status 511: the network asks for a login', async () => {
  const site = await serve((_request, response) => void response.writeHead(511).end(PAGE));
  expect(await runMain(['resolve', 'curl', '--site', site], temporaryDirectory())).toEqual({
    exit: 3,
    stdout: '',
    stderr:
      `error: cannot fetch \`x86_64/setup.*\` from ${site}/: the site answers 511\n` +
      'hint: open the address in a browser: this network asks for a login\n',
  });
});
