import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { fetchRepo } from '../../../src/api/fetch.ts';
import type { Event } from '../../../src/events.ts';
import { FaultServer } from '../../support/fault-server.ts';
import type { Script } from '../../support/fault-server.ts';
import { runMain } from '../../support/main.ts';
import type { Run } from '../../support/main.ts';
import { indexOf, siteOf } from '../../support/signed-site.ts';
import type { MadeIndex } from '../../support/signed-site.ts';
import { craftKey } from '../../trust/support.ts';

const KEY = craftKey('RSA');
const OTHER_KEY = craftKey('RSA');
const NEW = { timestamp: 1_700_000_000 };
const OLD = { timestamp: 1_690_000_000 };
const REFUSED = [
  'the index for x86_64 is older than one that was used before',
  'it is from 2023-07-22 04:26:40 UTC; the newest index known of its signer is from 2023-11-14 22:13:20 UTC',
];
const HINT =
  'hint: use another site, which may be newer; `--allow-older-index` accepts an older index, as of a dated site';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-older-'));
  writeFileSync(join(dir, 'key.gpg'), Buffer.concat([KEY.file, OTHER_KEY.file]));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function serve(script: Script): Promise<FaultServer> {
  const server = await FaultServer.start(script);
  onTestFinished(() => server.close());
  return server;
}

function change(server: FaultServer, script: Script): void {
  for (const [path, faults] of Object.entries(script)) server.set(path, faults);
}

function run(...argv: readonly string[]): Promise<Run> {
  return runMain([...argv, '--keyring', join(dir, 'key.gpg')], join(dir, 'cache'));
}

const locking = (...argv: readonly string[]): Promise<Run> => run(...argv, '--no-base', '--lock', lockFile());
const lock = (...argv: readonly string[]): Promise<Run> => locking('lock', ...argv);
const update = (...argv: readonly string[]): Promise<Run> => locking('update', ...argv);
const fetch = (...argv: readonly string[]): Promise<Run> =>
  run(
    'fetch',
    ...argv,
    '--repo',
    join(dir, 'repo'),
    ...(argv.includes('--all') ? [] : ['--no-base', '--lock', lockFile()]),
  );
const lockFile = (): string => join(dir, 'lock.json');
const published = (): string => readFileSync(join(dir, 'repo/x86_64/setup.ini'), 'utf8');
const memory = (): unknown => JSON.parse(readFileSync(join(dir, 'repo/.cygstrap/newest-index.json'), 'utf8'));

function expectRefused({ exit, stderr }: Run): void {
  expect(exit, stderr).toBe(1);
  for (const part of [...REFUSED, HINT]) expect(stderr).toContain(part);
}

describe('an index older than that of the lock', () => {
  test.each([
    ['update', ['update']],
    ['update NAME', ['update', 'tool']],
    ['lock', ['lock', 'tool']],
  ])('%s refuses it, and the lock stays', async (_name, argv) => {
    const server = await serve(siteOf(NEW, KEY));
    expect((await lock('tool', '--site', server.url)).exit).toBe(0);
    const before = readFileSync(lockFile(), 'utf8');
    change(server, siteOf(OLD, KEY));
    expectRefused(await locking(...argv, '--site', server.url));
    expect(readFileSync(lockFile(), 'utf8')).toBe(before);
    expect((await locking(...argv, '--site', server.url, '--allow-older-index')).exit).toBe(0);
    expect(readFileSync(lockFile(), 'utf8')).toContain('"timestamp": 1690000000');
  });

  test('as the URL of --index: add, update and lock refuse it, and the files stay', async () => {
    const server = await serve(siteOf(NEW, KEY));
    const index = ['--index', `${server.url}/x86_64/setup.ini`];
    const config = join(dir, 'cygstrap.json');
    writeFileSync(config, JSON.stringify({ packages: [], base: false }));
    expect(await run('add', 'tool', '--config', config, '--lock', lockFile(), ...index)).toMatchObject({ exit: 0 });
    const files = (): string[] => [config, lockFile()].map((path) => readFileSync(path, 'utf8'));
    const before = files();
    expect(before[0]).toContain('"tool"');
    change(server, siteOf(OLD, KEY));
    expectRefused(await run('add', 'tool=1-1', '--config', config, '--lock', lockFile(), ...index, '--refresh'));
    expectRefused(await update(...index, '--refresh'));
    expectRefused(await lock('tool', ...index, '--refresh'));
    expect(files()).toEqual(before);
    expect((await update(...index, '--refresh', '--allow-older-index')).exit).toBe(0);
    expect(files()[1]).toContain('"timestamp": 1690000000');
  });

  test('fetch refuses it; a frozen fetch reads none', async () => {
    const server = await serve(siteOf(NEW, KEY));
    await lock('tool', '--site', server.url);
    change(server, siteOf(OLD, KEY));
    expectRefused(await fetch('tool', '--site', server.url));
    expect(existsSync(join(dir, 'repo'))).toBe(false);
    expect((await fetch('tool', '--frozen', '--site', server.url)).exit).toBe(0);
    expect((await fetch('tool', '--site', server.url, '--allow-older-index')).exit).toBe(0);
  });

  test.each<[string, MadeIndex, typeof KEY]>([
    ['another signer', OLD, OTHER_KEY],
    ['another release', { ...OLD, release: 'other' }, KEY],
    ['the same time', NEW, KEY],
  ])('%s is accepted', async (_name, index, key) => {
    const server = await serve(siteOf(NEW, KEY));
    await lock('tool', '--site', server.url);
    change(server, siteOf(index, key));
    expect((await update('--site', server.url)).exit).toBe(0);
  });

  test('without a timestamp it counts as older', async () => {
    const server = await serve(siteOf(NEW, KEY));
    await lock('tool', '--site', server.url);
    change(server, siteOf({ timestamp: null }, KEY));
    const { exit, stderr } = await update('--site', server.url);
    expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining('it has no timestamp') });
  });

  test('the next site is used, and a warning names the stale one', async () => {
    const [fresh, stale] = [await serve(siteOf(NEW, KEY)), await serve(siteOf(OLD, KEY))];
    await lock('tool', '--site', fresh.url);
    const { exit, stderr } = await update('--site', stale.url, '--site', fresh.url);
    expect(exit).toBe(0);
    expect(stderr).toContain(`\`${stale.url}/x86_64/setup.ini\` was skipped: ${REFUSED[1]}`);
  });
});

describe('an index older than one that was published in the repo', () => {
  test.each([
    ['fetch', []],
    ['fetch --full-index', ['--full-index']],
    ['fetch --all', ['--all']],
  ])('%s refuses it, and the published index stays', async (_name, more) => {
    const server = await serve(siteOf(NEW, KEY));
    const argv = [...(more.includes('--all') ? more : ['tool', ...more]), '--site', server.url];
    expect((await fetch(...argv)).exit).toBe(0);
    const before = published();
    rmSync(lockFile(), { force: true });
    change(server, siteOf(OLD, KEY));
    expectRefused(await fetch(...argv));
    expect(published()).toBe(before);
    expect((await fetch(...argv, '--allow-older-index')).exit).toBe(0);
    expect(published()).not.toBe(before);
    expect(memory()).toEqual({
      schema: 1,
      indexes: [{ index: 0, signer: KEY.fingerprint, release: 'made', arch: 'x86_64', timestamp: NEW.timestamp }],
    });
    // The site does not send an unchanged index again; the copy in the repo is as old.
    rmSync(lockFile(), { force: true });
    expectRefused(await fetch(...argv));
  });

  test('two sites of one signer can differ in age, and each is compared with its own index', async () => {
    const more = { ...OLD, name: 'more' };
    const [main, added] = [await serve(siteOf(NEW, KEY)), await serve(siteOf(more, KEY))];
    const argv = ['tool', 'more', '--site', main.url, '--add-site', added.url];
    for (let time = 1; time <= 2; time++) expect((await fetch(...argv)).exit).toBe(0);
    expect((await update(...argv.slice(2))).exit).toBe(0);
    rmSync(lockFile());
    expect((await fetch(...argv)).exit).toBe(0);
    change(added, siteOf({ ...more, timestamp: OLD.timestamp - 1 }, KEY));
    expect((await update(...argv.slice(2))).exit).toBe(1);
    rmSync(lockFile());
    expect((await fetch(...argv)).exit).toBe(1);
  });

  test('lock knows of the repo of the project file', async () => {
    const server = await serve(siteOf(NEW, KEY));
    await fetch('tool', '--site', server.url);
    rmSync(lockFile());
    change(server, siteOf(OLD, KEY));
    writeFileSync(join(dir, 'cygstrap.json'), JSON.stringify({ packages: ['tool'], base: false, repo: 'repo' }));
    expectRefused(await lock('--config', join(dir, 'cygstrap.json'), '--site', server.url));
  });

  test('unsigned indexes are compared with those of the same site', async () => {
    const [first, second] = [await serve(siteOf(NEW)), await serve(siteOf(OLD))];
    await fetch('tool', '--unsigned', '--site', first.url);
    const refetch = (server: FaultServer): Promise<Run> => {
      rmSync(lockFile());
      return fetch('tool', '--unsigned', '--site', server.url);
    };
    expect((await refetch(second)).exit).toBe(0);
    change(first, siteOf(OLD));
    expectRefused(await refetch(first));
  });

  test('a repo that is a file is reported as such', async () => {
    const server = await serve(siteOf(NEW, KEY));
    writeFileSync(join(dir, 'repo'), '');
    expect((await fetch('tool', '--site', server.url)).stderr).not.toContain('newest-index');
  });

  test('a damaged record is an error, not an empty one', async () => {
    const server = await serve(siteOf(NEW, KEY));
    await fetch('tool', '--site', server.url);
    rmSync(lockFile());
    const file = join(dir, 'repo/.cygstrap/newest-index.json');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40));
    expect(await fetch('tool', '--site', server.url)).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(`error: ${file}:`) as string,
    });
  });

  test('bundle --apply warns of it', async () => {
    const server = await serve(siteOf(OLD, KEY));
    await fetch('tool', '--site', server.url);
    const bundle = (...argv: readonly string[]): Promise<Run> =>
      runMain(['bundle', '--repo', join(dir, 'repo'), '--lock', lockFile(), ...argv], join(dir, 'cache'));
    const [old, current] = [join(dir, 'old.tar'), join(dir, 'current.tar')];
    await bundle('--out', old);
    change(server, siteOf(NEW, KEY));
    rmSync(lockFile());
    await fetch('tool', '--site', server.url);
    await bundle('--out', current);
    expect(await bundle('--apply', current)).toMatchObject({ exit: 0, stderr: '' });
    const { exit, stderr } = await bundle('--apply', old);
    expect(exit).toBe(0);
    expect(stderr).toContain('warning: the index is from 2023-07-22 04:26:40 UTC, and `');
    expect(stderr).toContain('had one of the same signer from 2023-11-14 22:13:20 UTC');
  });
});

describe('an index much older than now', () => {
  async function warningsAfter(days: number, site: string): Promise<string[]> {
    const events: Event[] = [];
    await fetchRepo(
      {
        sites: [site],
        repo: join(dir, 'repo'),
        lock: lockFile(),
        keyring: [join(dir, 'key.gpg'), 'fixtures/release/key.gpg'],
        all: true,
      },
      { now: () => new Date((NEW.timestamp + days * 86_400) * 1000), report: (event) => events.push(event) },
    );
    return events.flatMap((event) => (event.kind === 'warning' ? event.message : []));
  }

  test('is reported with its age and date, also when the site has it unchanged', async () => {
    const server = await serve(siteOf(NEW, KEY));
    const warning =
      `\`${server.url}/x86_64/setup.ini\` is 61 days old, from 2023-11-14 22:13:20 UTC: it lacks all later packages ` +
      'and fixes, unless the site is dated on purpose';
    expect(await warningsAfter(61, server.url)).toEqual([warning]);
    expect(await warningsAfter(61, server.url)).toEqual([warning]);
    expect(await warningsAfter(60, server.url)).toEqual([]);
    expect(await warningsAfter(-900, server.url)).toEqual([]);
  });

  test('is reported for a directory, but not for a file of --index', async () => {
    writeFileSync(join(dir, 'setup.ini'), indexOf(NEW));
    expect((await lock('tool', '--index', join(dir, 'setup.ini'))).stderr).toBe('');
    expect(await warningsAfter(900, 'fixtures/release')).toEqual([
      expect.stringMatching(/fixtures\/release\/x86_64\/setup\.zst` is \d+ days old, from 2025-01-01/) as string,
    ]);
  });
});
