import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyBundle } from '../../../src/api/bundle-apply.ts';
import { makeBundle } from '../../../src/api/bundle.ts';
import { makeMedia } from '../../../src/api/media.ts';
import { fetchRepo } from '../../../src/api/fetch.ts';
import { pruneRepo } from '../../../src/api/prune.ts';
import { repairRepo } from '../../../src/api/repair.ts';
import { filesToRepair, verifyRepo } from '../../../src/api/verify.ts';
import { FaultServer } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import { writeTree } from '../../repo/support.ts';

const RELEASE = resolve('fixtures/release');
const OPENSSH = 'x86_64/release/openssh/openssh-9.8p1-1-x86_64.tar.zst';

let dir: string;
let repo: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-clashes-'));
  repo = join(dir, 'repo');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** An unsigned site whose index lists one package for each path. */
async function siteOf(paths: readonly string[]): Promise<FaultServer> {
  const sha512 = createHash('sha512').update('archive').digest('hex');
  const packages = paths.map(
    (path, i) => `@ p${i}\nsdesc: "p"\ncategory: Test\nversion: 1-1\ninstall: ${path} 7 ${sha512}\n`,
  );
  const index = Buffer.from(`release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n\n${packages.join('\n')}`);
  return FaultServer.start({
    '/x86_64/setup.ini': fault.serve(index),
    ...Object.fromEntries(paths.map((path) => [`/${path}`, fault.serve(Buffer.from('archive'))])),
  });
}

const archivesOf = ({ log }: FaultServer): string[] =>
  log.map(({ path }) => path).filter((path) => !path.includes('setup.'));

const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(repo, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [path.slice(repo.length + 1), readFileSync(path, 'latin1')]),
  );

const MINE = {
  'package.json': '{}',
  '.git/config': '[core]',
  '.npmrc': 'token',
  'setup-x86_64.exe': 'MZ',
  'doc/release/notes.txt': 'notes',
};

describe('a fetch into the directory of a project', () => {
  test('refuses an index with paths outside of the directories of archives, and lists all of them', async () => {
    writeTree(repo, MINE);
    await using server = await siteOf([...Object.keys(MINE), 'x86_64/release/a/.env', 'x86_64/release/a/a.tar.xz']);
    for (const dryRun of [true, false]) {
      await expect(fetchRepo({ repo, sites: [server.url], all: true, unsigned: true, dryRun })).rejects.toMatchObject({
        code: 'repo',
        message: expect.stringMatching(/^6 paths are refused:\n/) as string,
        details: {
          refused: Object.fromEntries(
            [...Object.keys(MINE), 'x86_64/release/a/.env'].map((path) => [path, expect.any(String) as string]),
          ),
        },
      });
    }
    expect(contents()).toEqual(MINE);
    expect(archivesOf(server)).toEqual([]);
  });

  test('refuses to replace files, lists all of them before any download, and leaves nothing', async () => {
    const mine = { ...MINE, 'x86_64/release/a/a.tar.xz': 'my own', 'x86_64/release/b.tar.xz': 'my own' };
    writeTree(repo, mine);
    await using server = await siteOf(['x86_64/release/a/a.tar.xz', 'x86_64/release/b.tar.xz', 'release/c.tar.xz']);
    for (const dryRun of [true, false, false]) {
      await expect(
        fetchRepo({ repo, sites: [server.url], all: true, unsigned: true, dryRun, installerSite: server.url }),
      ).rejects.toMatchObject({
        code: 'repo',
        details: {
          clashes: [
            { path: 'setup-x86_64.exe', what: 'a file' },
            { path: 'x86_64/release/a/a.tar.xz', what: 'a file with another content' },
            { path: 'x86_64/release/b.tar.xz', what: 'a file with another content' },
          ],
        },
      });
      expect(contents()).toEqual(mine);
    }
    expect(archivesOf(server)).toEqual([]);
  });

  test('refuses an index of another program', async () => {
    writeTree(repo, { 'x86_64/setup.ini': '[Startup]\n', 'x86_64/release/a/a.tar.xz': 'archive' });
    await using server = await siteOf(['x86_64/release/a/a.tar.xz']);
    await expect(fetchRepo({ repo, sites: [server.url], all: true, unsigned: true })).rejects.toMatchObject({
      details: { clashes: [{ path: 'x86_64/setup.ini', what: 'a file, but not an index of packages' }] },
    });
    expect(existsSync(join(repo, '.cygstrap'))).toBe(false);
  });

  test('takes over files that have the wanted content, and prune keeps those it did not place', async () => {
    writeTree(repo, { ...MINE, 'x86_64/release/a/a.tar.xz': 'archive', 'x86_64/release/a/readme': 'mine' });
    await using server = await siteOf(['x86_64/release/a/a.tar.xz', 'x86_64/release/b.tar.xz']);
    const request = { repo, sites: [server.url], all: true, unsigned: true };
    expect(await fetchRepo(request)).toMatchObject({ files: 2, presentFiles: 1 });
    expect(contents()).toMatchObject(MINE);
    writeTree(repo, { 'x86_64/notes.txt': 'mine', 'release/c.tar.xz': 'mine' });
    await using next = await siteOf(['x86_64/release/b.tar.xz']);
    await fetchRepo({ ...request, sites: [next.url] });
    expect(await pruneRepo({ repo, confirmed: true })).toMatchObject({
      remove: [{ path: 'x86_64/release/a/a.tar.xz' }],
      foreign: ['release/c.tar.xz', 'x86_64/notes.txt', 'x86_64/release/a/readme'],
    });
    expect(contents()).toMatchObject({ ...MINE, 'x86_64/notes.txt': 'mine', 'release/c.tar.xz': 'mine' });
  });
});

test('a repair does not replace a file that cygstrap did not put there', async () => {
  const lock = join(dir, 'lock.json');
  const site = [RELEASE];
  const keyring = [join(RELEASE, 'key.gpg')];
  await fetchRepo({ repo, sites: site, keyring, lock, packages: ['openssh'] });
  const placed = join(repo, '.cygstrap/placed');
  const without = readFileSync(placed, 'utf8')
    .split('\n')
    .filter((line) => !line.includes(OPENSSH));
  writeFileSync(placed, without.join('\n'));
  writeFileSync(join(repo, OPENSSH), 'my own');
  const damage = filesToRepair(await verifyRepo({ repo }));
  expect(damage).toHaveLength(1);
  await expect(repairRepo({ repo: repo, files: damage, sites: [RELEASE] })).rejects.toMatchObject({
    details: { clashes: [{ path: OPENSSH, what: 'a file with another content' }] },
  });
  expect(readFileSync(join(repo, OPENSSH), 'utf8')).toBe('my own');
  // A copy without `.cygstrap` is a download directory, whose archives may be replaced.
  const copy = join(dir, 'copy');
  cpSync(repo, copy, { recursive: true, filter: (path) => !path.includes('.cygstrap') });
  await repairRepo({ repo: copy, files: damage, sites: [RELEASE] });
  expect(readFileSync(join(copy, OPENSSH)).equals(readFileSync(join(RELEASE, OPENSSH)))).toBe(true);
});

test('a bundle replaces no file that cygstrap did not put there, and its lock may name no other path', async () => {
  const lock = join(dir, 'lock.json');
  const bundle = join(dir, 'new.tar');
  const keyring = [join(RELEASE, 'key.gpg')];
  await fetchRepo({ repo, sites: [RELEASE], keyring, lock, packages: ['openssh'] });
  await makeBundle({ repo, lock, out: bundle });
  const target = join(dir, 'target');
  writeTree(target, { [OPENSSH]: 'my own', 'x86_64/setup.xz': 'my own' });
  const apply = () => applyBundle({ bundle, repo: target, lock: join(dir, 'target.lock.json') });
  await expect(apply()).rejects.toMatchObject({
    details: {
      clashes: [
        { path: OPENSSH, what: 'a file with another content' },
        { path: 'x86_64/setup.xz', what: 'a file, but not an index of packages' },
      ],
    },
  });
  expect(readdirSync(join(target, 'x86_64/release'))).toEqual(['openssh']);
  rmSync(join(target, 'x86_64'), { recursive: true });
  await apply();
  const text = readFileSync(lock, 'utf8').replaceAll('x86_64/release/', 'x86_64/');
  writeFileSync(lock, text);
  await expect(makeBundle({ repo, lock, out: bundle })).rejects.toMatchObject({
    code: expect.stringMatching(/repo|lock/) as string,
  });
  await expect(fetchRepo({ repo, sites: [RELEASE], keyring, lock, frozen: true })).rejects.toMatchObject({
    message: expect.stringMatching(/^\d+ paths are refused:/) as string,
  });
  await expect(makeMedia({ repo, lock, out: dir })).rejects.toMatchObject({
    message: expect.stringMatching(/^\d+ paths are refused:/) as string,
  });
});
