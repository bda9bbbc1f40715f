import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { FaultServer } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { runMain, type Run } from '../support/main.ts';
import { temporaryDirectory } from '../repo/support.ts';
import { craftKey, craftSignature } from '../trust/support.ts';

const KEY = craftKey('RSA');
const INDEX = '/x86_64/setup.ini';

interface Package {
  readonly versions: readonly string[];
  readonly requires?: string;
}

function indexOf(day: number, packages: Readonly<Record<string, Package>>): Buffer {
  const blocks = Object.entries(packages).map(([name, { versions, requires }]) =>
    [
      `@ ${name}`,
      `sdesc: "${name}"`,
      'category: Utils',
      ...versions.flatMap((version, at) => [
        ...(at > 0 ? ['[prev]'] : []),
        `version: ${version}`,
        `install: x86_64/release/${name}/${name}-${version}.tar.xz 10 ${createHash('sha512')
          .update(name + version)
          .digest('hex')}`,
        ...(at > 0 || requires === undefined ? [] : [`depends2: ${requires}`]),
      ]),
    ].join('\n'),
  );
  return Buffer.from(
    `release: made\narch: x86_64\nsetup-timestamp: ${1_700_000_000 + day * 86_400}\n\n${blocks.join('\n\n')}\n`,
  );
}

/** On the second day, everything is newer; the new editor needs the new library and one more package. */
const FIRST = indexOf(1, {
  editor: { versions: ['1-1'], requires: 'lib' },
  lib: { versions: ['1-1'] },
  shell: { versions: ['1-1'], requires: 'lib' },
});
const SECOND = indexOf(2, {
  editor: { versions: ['2-1', '1-1'], requires: 'lib (>= 2), spell' },
  lib: { versions: ['2-1', '1-1'] },
  shell: { versions: ['2-1', '1-1'], requires: 'lib' },
  spell: { versions: ['1-1'] },
});

let server: FaultServer;
let directory = '';

function publish(index: Buffer): void {
  const etag = `"${createHash('md5').update(index).digest('hex')}"`;
  server.set(INDEX, fault.serve(index, { etag }));
  server.set(`${INDEX}.sig`, fault.serve(craftSignature(index, KEY)));
}

beforeEach(async () => {
  server = await FaultServer.start({});
  onTestFinished(() => server.close());
  directory = temporaryDirectory();
  mkdirSync(join(directory, 'project'));
  writeFileSync(join(directory, 'key.gpg'), KEY.file);
  const project = { packages: ['editor', 'shell'], base: false, sites: [server.url], keyring: ['../key.gpg'] };
  writeFileSync(join(directory, 'project/cygstrap.json'), JSON.stringify(project));
  publish(FIRST);
});

/** Runs a command for the project. Returns with what it printed the requests for the index that the site got. */
async function run(...argv: readonly string[]): Promise<Run & { readonly requests: readonly string[] }> {
  const before = server.log.length;
  const result = await runMain([...argv, '--quiet', '--config', join(directory, 'project/cygstrap.json')], directory);
  const requests = server.log
    .slice(before)
    .filter(({ path }) => path === INDEX)
    .map(({ headers }) => (headers['if-none-match'] === undefined ? 'new' : 'if changed'));
  return { ...result, requests };
}

const locked = (): readonly string[] => {
  const { packages } = JSON.parse(readFileSync(join(directory, 'project/cygstrap.lock.json'), 'utf8')) as {
    readonly packages: readonly { readonly name: string; readonly version: string }[];
  };
  return packages.map(({ name, version }) => `${name} ${version}`).sort();
};

test('update changes what was named and what that needs, and prints the difference', async () => {
  expect(await run('lock')).toMatchObject({ exit: 0, requests: ['new'] });
  publish(SECOND);
  const { exit, stdout, requests } = await run('update', 'editor');
  expect({ exit, requests }).toEqual({ exit: 0, requests: ['if changed'] });
  expect(stdout.split('\n').slice(0, 4)).toEqual([
    '~  editor  1-1  2-1  upgrade',
    '~  lib     1-1  2-1  upgrade',
    '+  spell        1-1',
    '1 added, 0 removed, 2 changed, 30 B to download, 20 B no longer needed',
  ]);
  expect(locked()).toEqual(['editor 2-1', 'lib 2-1', 'shell 1-1', 'spell 1-1']);
  expect((await run('update')).stdout).toMatch(/^~ {2}shell {2}1-1 {2}2-1 {2}upgrade\n0 added, 0 removed, 1 changed, /);
  expect(locked()).toEqual(['editor 2-1', 'lib 2-1', 'shell 2-1', 'spell 1-1']);
  expect((await run('update')).stdout).toMatch(/^nothing changed: /);
});

test('outdated asks the site, also if it was asked within the last hour', async () => {
  await run('lock');
  expect(await run('outdated')).toMatchObject({ exit: 0, stdout: '', requests: ['if changed'] });
  publish(SECOND);
  const { exit, stdout } = await run('outdated');
  expect({
    exit,
    rows: stdout
      .split('\n')
      .slice(1, -1)
      .map((row) => row.split(/ +/)),
  }).toEqual({
    exit: 1,
    rows: [
      ['editor', '1-1', '2-1'],
      ['lib', '1-1', '2-1'],
      ['shell', '1-1', '2-1'],
    ],
  });
  expect((await run('outdated', '--offline')).requests).toEqual([]);
});

test('resolve uses the kept index, asks with --refresh whether it has changed, and never with --offline', async () => {
  expect((await run('resolve')).requests).toEqual(['new']);
  publish(SECOND);
  for (const kept of [['resolve'], ['resolve', '--offline']]) {
    const { stdout, requests } = await run(...kept);
    expect({ requests, isOld: stdout.includes('editor   1-1') }).toEqual({ requests: [], isOld: true });
  }
  const fresh = await run('resolve', '--refresh');
  expect({ requests: fresh.requests, isNew: fresh.stdout.includes('editor   2-1') }).toEqual({
    requests: ['if changed'],
    isNew: true,
  });
});
