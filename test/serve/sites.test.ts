import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchRepo } from '../../src/api/fetch.ts';
import type { RepoLayout } from '../../src/repo/files/layout.ts';
import { serveRepo } from '../../src/api/serve.ts';
import type { ServedAddress, ServedRepo } from '../../src/api/serve.ts';
import { send } from './support.ts';

const RELEASE = resolve('fixtures/release');

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-serve-sites-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function fetched(name: string, layout: RepoLayout['kind'], fullIndex = false): Promise<string> {
  const repo = join(base, name);
  const lock = join(base, `${name}.json`);
  const request = { packages: ['bash'], sites: [RELEASE], keyring: [join(RELEASE, 'key.gpg')] };
  expect(await fetchRepo({ repo, lock, layout, fullIndex, ...request })).toMatchObject({ kind: 'fetched' });
  return repo;
}

/** Serves a repo while `visit` runs. */
async function serving<T>(repo: string, visit: (server: ServedRepo) => Promise<T>, lock?: string): Promise<T> {
  const server = await serveRepo({ repo, lock });
  try {
    return await visit(server);
  } finally {
    await server.close();
  }
}

async function statusOf(url: string): Promise<number> {
  return (await send(new URL(url).pathname, { url })).status;
}

test.each<[string, RepoLayout['kind'], boolean, string]>([
  ['flat', 'flat', false, 'setup.ini'],
  ['flat-full', 'flat', true, 'setup.zst'],
  ['site', 'site', false, 'setup.ini'],
  ['site-full', 'site', true, 'setup.zst'],
])('setup finds the index of the repo %s at the address', async (name, layout, isFull, index) => {
  const repo = await fetched(name, layout, isFull);
  await serving(repo, async ({ url, addresses }) => {
    expect(addresses.map((address) => address.url)).toEqual([url]);
    expect(addresses[0]?.site === null).toBe(layout === 'flat');
    expect(await statusOf(`${url}x86_64/${index}`)).toBe(200);
    expect(await statusOf(`${url}.cygstrap/repo.json`)).toBe(404);
  });
});

test('several sites have an address each, and links at the root', async () => {
  const repo = await fetched('several', 'site');
  const directories = {
    'http%3a%2f%2fmirror.example%2fpub%2fcygwin%2f': 'mirror.example-pub-cygwin',
    'https%3a%2f%2fmirror.example%2fpub%2fcygwin%2f': 'mirror.example-pub-cygwin-2',
    'http%3a%2f%2fcon%2f': 'site',
  };
  for (const name of Object.keys(directories)) {
    mkdirSync(join(repo, name, 'x86_64'), { recursive: true });
    writeFileSync(join(repo, name, 'x86_64/setup.ini'), name);
  }
  await serving(repo, async ({ url, addresses }) => {
    expect(addresses).toHaveLength(4);
    const page = (await send('/', { url })).body.toString();
    for (const { url: address, site } of addresses) {
      expect(address).toMatch(/^http:\/\/[\d.:]+\/[\w.-]+\/$/);
      expect(page).toContain(`<a href="./${address.slice(url.length)}">`);
      expect(await statusOf(`${address}x86_64/setup.ini`), site ?? '').toBe(200);
      expect(await statusOf(address.slice(0, -1))).toBe(301);
    }
    for (const [name, alias] of Object.entries(directories))
      expect((await send(`/${alias}/x86_64/setup.ini`, { url })).body.toString()).toBe(name);
  });
});

test('a flat repo with directories of sites has an address for each', async () => {
  const repo = await fetched('both', 'flat');
  cpSync(join(repo, 'x86_64'), join(repo, 'http%3a%2f%2fmirror.example%2f/x86_64'), { recursive: true });
  const urls = await serving(repo, async ({ url, addresses }) => {
    for (const address of addresses) expect(await statusOf(`${address.url}x86_64/setup.ini`)).toBe(200);
    return addresses.map((address) => address.url.slice(url.length));
  });
  expect(urls).toEqual(['', 'mirror.example/']);
});

test('the call of setup for a lock names the address', async () => {
  const repo = await fetched('locked', 'site');
  const lock = join(base, 'locked.json');
  const [address] = await serving(repo, async ({ addresses }): Promise<readonly ServedAddress[]> => addresses, lock);
  expect(address?.setup).toEqual({
    program: 'setup-x86_64.exe',
    arguments: [
      '--quiet-mode',
      '--upgrade-also',
      '--no-verify',
      '--site',
      address?.url,
      '--only-site',
      '--packages',
      'bash',
    ],
  });
});

test('an address that lacks packages of the lock has no call of setup, and a warning', async () => {
  const repo = await fetched('partial', 'site');
  const other = 'http%3a%2f%2fmirror.example%2f/x86_64';
  mkdirSync(join(repo, other), { recursive: true });
  writeFileSync(join(repo, other, 'setup.ini'), 'release: cygwin\narch: x86_64\nsetup-timestamp: 1735689600\n');
  const messages: string[] = [];
  const server = await serveRepo(
    { repo, lock: join(base, 'partial.json') },
    { report: (event) => void (event.kind === 'warning' && messages.push(event.message)) },
  );
  await server.close();
  expect(server.addresses.map(({ site, setup }) => [site, setup !== null])).toEqual([
    [`${RELEASE}/`, true],
    ['http://mirror.example/', false],
  ]);
  expect(messages).toEqual([expect.stringMatching(/the index at .*\/mirror\.example\/ does not list `base-files /)]);
});
