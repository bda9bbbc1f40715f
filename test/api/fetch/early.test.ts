import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { FaultServer } from '../../support/fault-server.ts';
import type { Script } from '../../support/fault-server.ts';
import type { Fault } from '../../support/faults.ts';
import { runMain } from '../../support/main.ts';
import type { Run } from '../../support/main.ts';
import { indexOf, siteOf } from '../../support/signed-site.ts';
import type { MadeIndex } from '../../support/signed-site.ts';
import { craftKey } from '../../trust/support.ts';

const KEY = craftKey('RSA');
const STRANGER = craftKey('RSA');
const ARCHIVE = '/x86_64/release/tool/tool-1-1.tar.xz';
const INDEX = '/x86_64/setup.ini';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-early-'));
  writeFileSync(join(dir, 'key.gpg'), KEY.file);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(...argv: readonly string[]): Promise<Run> {
  return runMain(
    [...argv, '--no-base', '--lock', join(dir, 'lock.json'), '--keyring', join(dir, 'key.gpg')],
    join(dir, 'cache'),
  );
}

const fetch = (server: FaultServer, name = 'tool'): Promise<Run> =>
  run('fetch', name, '--repo', join(dir, 'repo'), '--site', server.url);

/** A site that locks a package, and then sends the archive while the end of its index is still missing.
 *  @param end sends the rest of the index once the archive is sent */
async function slowSite(index: MadeIndex, key: typeof KEY, end: Fault): Promise<FaultServer> {
  const server = await FaultServer.start(siteOf(index, KEY));
  onTestFinished(() => server.close());
  expect((await run('lock', index.name ?? 'tool', '--site', server.url)).exit).toBe(0);
  let sent: () => void = () => {};
  const isSent = new Promise<void>((resolve) => {
    sent = resolve;
  });
  const script: Script = siteOf(index, key);
  const archive = Object.keys(script).find((path) => path.endsWith('.tar.xz')) ?? '';
  const bytes = indexOf(index);
  change(server, {
    ...script,
    [archive]: (request, response) => {
      response.once('finish', sent);
      (script[archive] as Fault)(request, response);
    },
    [INDEX]: (request, response) => {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
      void isSent.then(() => end(request, response));
    },
  });
  return server;
}

function change(server: FaultServer, script: Script): void {
  for (const [path, faults] of Object.entries(script)) server.set(path, faults);
}

const tree = (): string[] =>
  readdirSync(join(dir, 'repo'), { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('.cygstrap'))
    .toSorted();

test('with a lock, archives are fetched while the index is being sent', async () => {
  const index = { timestamp: 1_700_000_000 };
  const server = await slowSite(index, KEY, (_, response) => response.end(indexOf(index).subarray(10)));
  const { exit, stderr } = await fetch(server);
  expect(exit, stderr).toBe(0);
  expect(tree()).toContain('x86_64/setup.ini');
  expect(server.count(ARCHIVE)).toBe(1);
});

test('without a lock, no archive is requested before the index is accepted', async () => {
  const server = await FaultServer.start(siteOf({}, STRANGER));
  onTestFinished(() => server.close());
  expect((await fetch(server)).exit).toBe(1);
  expect(server.count(ARCHIVE)).toBe(0);
});

const REFUSED: readonly (readonly [name: string, index: MadeIndex, sent: Buffer, key: typeof KEY, why: RegExp])[] = [
  ['signed by a key that is not trusted', {}, indexOf(), STRANGER, /signature/],
  ['changed after it was signed', {}, Buffer.from(indexOf().toString().replace('made', 'mode')), KEY, /signature/],
];

test.each(REFUSED)('an index %s leaves no new repo', async (_name, index, sent, key, why) => {
  const server = await slowSite(index, key, (__, response) => response.end(sent.subarray(10)));
  const { exit, stderr } = await fetch(server);
  expect([exit, stderr]).toEqual([1, expect.stringMatching(why)]);
  expect(server.count(ARCHIVE)).toBe(1);
  expect(existsSync(join(dir, 'repo'))).toBe(false);
});

test.each(REFUSED)('an index %s leaves a repo as it was', async (_name, index, sent, key) => {
  const before = await FaultServer.start(siteOf({ name: 'other' }, KEY));
  onTestFinished(() => before.close());
  expect((await fetch(before, 'other')).exit).toBe(0);
  const [files, published] = [tree(), readFileSync(join(dir, 'repo/x86_64/setup.ini'), 'utf8')];
  rmSync(join(dir, 'lock.json'));
  const server = await slowSite(index, key, (__, response) => response.end(sent.subarray(10)));
  expect((await fetch(server)).exit).toBe(1);
  expect(server.count(ARCHIVE)).toBe(1);
  expect(tree()).toEqual(files);
  expect(readFileSync(join(dir, 'repo/x86_64/setup.ini'), 'utf8')).toBe(published);
});

test('an index that contradicts the lock leaves no new repo', async () => {
  const server = await slowSite({}, KEY, (_, response) => response.end(indexOf().subarray(10)));
  const lock = join(dir, 'lock.json');
  writeFileSync(lock, readFileSync(lock, 'utf8').replace('"version": "1-1"', '"version": "2-1"'));
  const { exit, stderr } = await fetch(server);
  expect([exit, stderr]).toEqual([1, expect.stringContaining('is locked as `tool 2-1`')]);
  expect(server.count(ARCHIVE)).toBe(1);
  expect(existsSync(join(dir, 'repo'))).toBe(false);
});

test('an index that breaks off keeps the archives, and the same command continues from there', async () => {
  const server = await slowSite({}, KEY, (_, response) => response.destroy());
  const { exit } = await fetch(server);
  expect(exit).toBe(3);
  expect(tree()).toContain(ARCHIVE.slice(1));
  expect(tree()).not.toContain('x86_64/setup.ini');
  change(server, siteOf({}, KEY));
  expect((await fetch(server)).exit).toBe(0);
  expect(tree()).toContain('x86_64/setup.ini');
  expect(server.count(ARCHIVE)).toBe(1);
});

/** Waits until a condition holds, for at most five seconds. Returns whether it holds. */
async function holds(condition: () => boolean): Promise<boolean> {
  const endMs = Date.now() + 5000;
  while (!condition() && Date.now() < endMs) await setTimeout(2);
  return condition();
}

test('index and signature are requested at once, and connections for archives are opened meanwhile', async () => {
  const script = siteOf({}, KEY);
  const server = await FaultServer.start(script);
  onTestFinished(() => server.close());
  const seen: boolean[] = [];
  const isAsked = (): boolean => server.count(INDEX) > 0 && server.count(`${INDEX}.sig`) > 0;
  const signature = async (...answer: Parameters<Fault>): Promise<void> => {
    seen.push(await holds(isAsked));
    (script[`${INDEX}.sig`] as Fault)(...answer);
  };
  server.set(`${INDEX}.sig`, (...answer) => void signature(...answer));
  const index = async (...[, response]: Parameters<Fault>): Promise<void> => {
    const bytes = indexOf();
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
    seen.push(await holds(() => server.openConnections >= 6));
    response.end(bytes.subarray(10));
  };
  server.set(INDEX, (...answer) => void index(...answer));
  const { exit, stderr } = await run('fetch', 'tool', '--jobs', '6', '--repo', join(dir, 'repo'), '--site', server.url);
  expect(exit, stderr).toBe(0);
  expect(seen).toEqual([true, true]);
});
