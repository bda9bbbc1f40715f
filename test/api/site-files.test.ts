import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grepExpression, pathTest } from '../../src/api/file-pattern.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { findSiteFiles, listSiteFiles } from '../../src/api/site-files.ts';
import { FaultServer } from '../support/fault-server.ts';
import type { Script } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { PROJECT } from '../support/transcript.ts';

const loaded = await loadCatalog(`${PROJECT}/fixtures/release/x86_64/setup.ini`);

function pageOf(...names: readonly string[]): ReturnType<typeof fault.serve> {
  const lines = names.map((name) => `    2024-07-01 10:00          12 ${name}\n`).join('');
  const page = `<!DOCTYPE html>\n<html>\n<body>\n<pre>\n${lines}</pre>\n</body>\n</html>\n`;
  return fault.serve(Buffer.from(page), { headers: { 'content-type': 'text/html' } });
}

async function siteOf(script: Script): Promise<FaultServer> {
  const server = await FaultServer.start(script);
  onTestFinished(() => server.close());
  return server;
}

const OPENSSH = '/packages/x86_64/openssh/openssh-9.8p1-1';
const context = { siteOptions: { timeouts: {} } };

const searchOf = (expression: string): string =>
  `/cgi-bin2/package-grep.cgi?text=1&arch=x86%5f64&grep=${[...Buffer.from(expression)]
    .map((byte) =>
      /[A-Za-z0-9]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16)}`,
    )
    .join('')}`;

describe('the files of a package from the list of a site', () => {
  test('are listed', async () => {
    const { url } = await siteOf({
      [OPENSSH]: pageOf('./', './usr/bin/', 'usr/bin/ssh.exe'),
      '/packages/x86_64/openssh-src/openssh-9.8p1-1-src': pageOf('openssh-9.8p1-1.src/openssh.cygport'),
    });
    const request = { package: 'openssh', listingSite: url };
    expect(await listSiteFiles(loaded, request, context)).toMatchObject({
      kind: 'files',
      name: 'openssh',
      version: '9.8p1-1',
      from: `${url}${OPENSSH}`,
      files: [
        { path: '/usr/bin', type: 'directory' },
        { path: '/usr/bin/ssh.exe', type: 'file', size: 12 },
      ],
    });
    expect(await listSiteFiles(loaded, { ...request, source: true }, context)).toMatchObject({
      name: 'openssh-src',
      files: [{ path: '/openssh-9.8p1-1.src/openssh.cygport' }],
    });
  });

  test('a site without lists', async () => {
    const { url } = await siteOf({});
    expect(await listSiteFiles(loaded, { package: 'openssh', listingSite: url }, context)).toMatchObject({
      kind: 'absent',
      error: {
        code: 'not-found',
        message: `${url}/ has no list of the files of \`openssh\` 9.8p1-1`,
        hint: 'run `cygstrap fetch openssh --repo DIR`, and name the repo with `--repo DIR`',
      },
    });
    expect(await listSiteFiles(loaded, { package: 'opensh', listingSite: url }, context)).toMatchObject({
      kind: 'absent',
      error: { message: 'no package is named `opensh`' },
    });
  });

  test('another page is refused', async () => {
    const { url } = await siteOf({ [OPENSSH]: fault.serve(Buffer.from('<html>log in</html>')) });
    await expect(listSiteFiles(loaded, { package: 'openssh', listingSite: url }, context)).rejects.toMatchObject({
      code: 'corrupt',
      message: `\`${url}${OPENSSH}\` is not a list of files`,
    });
  });
});

describe('a search in the lists of a site', () => {
  const found = (...names: readonly string[]) =>
    fault.serve(
      Buffer.from(`Found ${names.length} matches for x\n${names.map((name) => `${name} - x: y\n`).join('')}`),
    );

  test('reads the lists of the current versions that it finds', async () => {
    const server = await siteOf({
      [searchOf(String.raw`[ /]ssh\(\.exe\)\?\( ->.*\)\?$`)]: found(
        'openssh-9.8p1-1',
        'openssh-9.6p1-1',
        'bash-5.2.21-1',
        'cygwin-3.5.4-1',
        'none-1-1',
      ),
      [OPENSSH]: pageOf('usr/bin/ssh.exe', 'usr/bin/sshd.exe', 'etc/ssh/'),
      '/packages/x86_64/cygwin/cygwin-3.5.4-1': fault.serve(Buffer.from('<html>log in</html>')),
    });
    const result = await findSiteFiles(loaded, { pattern: 'ssh', listingSite: server.url }, context);
    expect(result).toMatchObject({
      from: `${server.url}/`,
      matches: [{ name: 'openssh', version: '9.8p1-1', path: '/usr/bin/ssh.exe', type: 'file', size: 12 }],
      searched: 1,
      unsearched: [
        { name: 'bash', version: '5.2.21-1', why: `${server.url}/ has no list of its files` },
        {
          name: 'cygwin',
          version: '3.5.4-1',
          why: `\`${server.url}/packages/x86_64/cygwin/cygwin-3.5.4-1\` is not a list of files`,
        },
      ],
    });
    expect(server.count()).toBe(4);
  });

  test.each(['a*', '?b', '[abc]', '**/*'])('%s is too short', async (pattern) => {
    await expect(findSiteFiles(loaded, { pattern, listingSite: 'http://127.0.0.1:1/' })).rejects.toMatchObject({
      code: 'usage',
      message: `too short for a search at a site: \`${pattern}\``,
    });
  });

  test('a site without a search, and another answer', async () => {
    const { url } = await siteOf({});
    await expect(findSiteFiles(loaded, { pattern: 'ssh', listingSite: url }, context)).rejects.toMatchObject({
      code: 'fetch',
      message: `${url}/ has no search in lists of files`,
      hint: expect.stringContaining('--repo') as string,
    });
    const other = await siteOf({
      [searchOf(String.raw`[ /]ssh\(\.exe\)\?\( ->.*\)\?$`)]: fault.serve(Buffer.from('no')),
    });
    await expect(findSiteFiles(loaded, { pattern: 'ssh', listingSite: other.url }, context)).rejects.toMatchObject({
      code: 'corrupt',
    });
  });
});

describe('the expression for grep', () => {
  const LINES = [
    'usr/bin/ssh.exe',
    'usr/bin/ssh-add.exe',
    'bin/sh',
    'usr/bin/slogin -> ssh.exe',
    'usr/lib/libssl.dll.a',
    'etc/defaults/etc/ssh_config',
    'usr/share/a+b[1].txt',
    'usr/bin/',
  ];

  const NAMES = ['usr', 'bin', 'lib', 'a', 'ab', 'b.x', 'a.exe'];
  const PATHS = NAMES.flatMap((a) => [
    a,
    ...NAMES.flatMap((b) => [`${a}/${b}`, ...NAMES.map((c) => `${a}/${b}/${c}`)]),
  ]);
  const GLOB_NAMES = ['*', '**', '?', 'u*', 'u**', '**n', 'b?n', '[!x]i[a-n]', 'a**b', '**.x', 'l**/b', 'a', 'b[.-0]x'];
  const name = fc.oneof(fc.constantFrom(...NAMES), fc.constantFrom(...GLOB_NAMES));
  const patterns = fc
    .tuple(fc.constantFrom('', '/'), fc.array(name, { minLength: 1, maxLength: 4 }))
    .map(([root, names]) => root + names.join('/'));

  test('finds every line that passes the test of a path', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, async (pattern) => {
        const isWanted = await pathTest(pattern);
        const found = new Set(grepped(pattern, PATHS));
        expect(PATHS.filter((path) => isWanted(`/${path}`) && !found.has(path))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test.each([
    ['/usr/*/ssh.exe', ['usr/bin/ssh.exe']],
    ['/usr/**/sh', ['bin/sh']],
    ['/usr/b?n/sh', ['bin/sh']],
    ['*/bin/sh', ['bin/sh']],
    ['u*/bin/sh', ['bin/sh']],
    ['/u**sh', ['bin/sh']],
    ['/usr/etc/ssh_config', []],
    ['/usr/bin/ssh', ['usr/bin/ssh.exe']],
    ['ssh.exe', ['usr/bin/ssh.exe', 'usr/bin/slogin -> ssh.exe']],
    ['/usr/bin/sh', ['bin/sh']],
    ['slogin', ['usr/bin/slogin -> ssh.exe']],
    ['lib/libssl*.a', ['usr/lib/libssl.dll.a']],
    ['/etc/**/ssh_config', ['etc/defaults/etc/ssh_config']],
    ['/etc/**', ['etc/defaults/etc/ssh_config']],
    ['a+b[[]1].txt', ['usr/share/a+b[1].txt']],
    ['ssh?add.exe', ['usr/bin/ssh-add.exe']],
  ])('finds the lines of %s', (pattern, expected) => {
    expect(grepped(pattern, LINES)).toEqual(expected);
  });

  function grepped(pattern: string, names: readonly string[]): readonly string[] {
    const text = names.map((each) => `    2024-07-01 10:00          12 ${each}\n`).join('');
    const argv = ['-e', grepExpression(pattern)];
    const env = { LC_ALL: 'C', PATH: process.env['PATH'] };
    const { stdout, status } = spawnSync('grep', argv, { input: text, env, encoding: 'utf8' });
    expect(status).toBeLessThan(2);
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.slice(33));
  }
});
