import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyBundle } from '../../src/api/bundle-apply.ts';
import { makeBundle } from '../../src/api/bundle.ts';
import { fetchRepo } from '../../src/api/fetch.ts';
import type { FetchRequest } from '../../src/api/fetch-request.ts';
import type { SetupCommand } from '../../src/core/lock/setup-command.ts';

const RELEASE = resolve('fixtures/release');
const KEY = join(RELEASE, 'key.gpg');

let base = '';
let site = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-setup-command-'));
  site = join(base, 'site');
  const records = [
    recordOf('base-files', 'category: Base'),
    recordOf('libx', 'category: Libs'),
    recordOf('app', 'category: Net\ndepends2: libx\nobsoletes: oldapp'),
    recordOf('oldapp', 'category: Net\ndepends2: libx'),
    recordOf('tool', 'category: Devel\nbuild-depends: oldapp'),
  ];
  write('x86_64/setup.ini', `release: cygwin\narch: x86_64\nsetup-timestamp: 1736000000\n\n${records.join('\n')}`);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(site, path)), { recursive: true });
  writeFileSync(join(site, path), content);
}

function recordOf(name: string, lines: string): string {
  const path = `x86_64/release/${name}/${name}-1.0-1.tar.xz`;
  write(path, `archive of ${name}`);
  const sha512 = createHash('sha512').update(`archive of ${name}`).digest('hex');
  return `@ ${name}\n${lines}\nversion: 1.0-1\ninstall: ${path} ${11 + name.length} ${sha512}\n`;
}

/** Fetches into a repo of this name, and returns the call of setup. */
async function fetched(name: string, request: Partial<FetchRequest>): Promise<SetupCommand | null> {
  const result = await fetchRepo({
    repo: join(base, name),
    lock: join(base, `${name}.json`),
    sites: [site],
    unsigned: request.keyring === undefined,
    ...request,
  });
  if (result.kind === 'conflict') throw new Error('conflict');
  return result.setup;
}

const callFor = (repo: string, ...trust: string[]): string[] => [
  '--quiet-mode',
  '--upgrade-also',
  ...trust,
  '--local-install',
  '--local-package-dir',
  join(base, repo),
];

describe('the call of setup', () => {
  test('of `fetch` and `bundle` names what replaces an obsoleted package', async () => {
    const packages = ['--packages', 'app'];
    expect(await fetched('old', { packages: ['oldapp'] })).toEqual({
      program: 'setup-x86_64.exe',
      arguments: [...callFor('old', '--no-verify'), ...packages],
    });
    const bundle = join(base, 'old.tar');
    const made = await makeBundle({ repo: join(base, 'old'), lock: join(base, 'old.json'), out: bundle });
    expect(made.setup?.arguments).toEqual([...callFor('old', '--no-verify'), ...packages]);
    const applied = await applyBundle({ bundle, repo: join(base, 'copy'), lock: join(base, 'copy.json') });
    expect(applied.setup?.arguments).toEqual([...callFor('copy', '--no-verify'), ...packages]);
  });

  test('names all packages for build dependencies, which the index of the repo does not have', async () => {
    expect((await fetched('build', { buildDepends: ['tool'] }))?.arguments.slice(-2)).toEqual([
      '--packages',
      'app,base-files,libx',
    ]);
  });

  test('is the same from the existing lock, and null without a lock or an index', async () => {
    const request = { packages: ['app'], categories: ['Libs'] };
    const made = await fetched('same', request);
    expect(made?.arguments.slice(-4)).toEqual(['--categories', 'Libs', '--packages', 'app']);
    expect(await fetched('same', {})).toEqual(made);
    expect(await fetched('same', { frozen: true })).toEqual(made);
    expect(await fetched('same', { dryRun: true })).toBeNull();
    rmSync(join(base, 'same/.cygstrap/index'), { recursive: true });
    expect(await fetched('same', { frozen: true })).toBeNull();
    expect(await fetched('all', { all: true })).toBeNull();
  });

  test('is null if the index lacks packages of the lock: setup would leave them out and exit with 0', async () => {
    const lock = join(base, 'gone.json');
    expect(await fetched('gone', { packages: ['app'] })).not.toBeNull();
    const later = join(base, 'later');
    cpSync(site, later, { recursive: true });
    const index = join(later, 'x86_64/setup.ini');
    writeFileSync(index, readFileSync(index, 'utf8').replace(/@ app\n[^@]*/, ''));
    expect(await fetched('lacking', { lock, sites: [later] })).toBeNull();
    expect((await makeBundle({ repo: join(base, 'lacking'), lock, out: join(base, 'gone.tar') })).setup).toBeNull();
  });

  test('names the public key of a signed index', async () => {
    const signed = { packages: ['bash'], sites: [RELEASE], keyring: [KEY] };
    expect((await fetched('subset', signed))?.arguments).toContain('--no-verify');
    expect((await fetched('full', { ...signed, fullIndex: true }))?.arguments).toEqual([
      ...callFor('full', '--pubkey', KEY),
      '--packages',
      'bash',
    ]);
  });
});
