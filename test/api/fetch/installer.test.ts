import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { siteDirectory } from '../../../src/repo/files/layout.ts';
import { FaultServer } from '../../support/fault-server.ts';
import type { Script } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import { runMain } from '../../support/main.ts';
import type { Run } from '../../support/main.ts';
import { craftKey, craftSignature } from '../../trust/support.ts';
import { bytesOf } from './support.ts';

const RELEASE = resolve('fixtures/release');
const EXE = '/setup-x86_64.exe';
const OWN_KEY = craftKey('RSA');
const OTHER_KEY = craftKey('RSA');
const PROGRAM = Buffer.concat([Buffer.from('MZ'), bytesOf(300_000)]);
const NEWER = Buffer.concat([Buffer.from('MZ'), bytesOf(310_000, 7)]);
const SIGNATURE = craftSignature(PROGRAM, OWN_KEY);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-installer-'));
  writeFileSync(join(dir, 'key.gpg'), OWN_KEY.file);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Fetches bash and the setup program from a server. */
function fetchFrom(server: FaultServer, ...argv: readonly string[]): Promise<Run> {
  const files = ['--repo', join(dir, 'repo'), '--lock', join(dir, 'lock.json')];
  const keys = ['--keyring', join(RELEASE, 'key.gpg'), '--keyring', join(dir, 'key.gpg')];
  const installer = ['--installer', '--installer-site', server.url];
  return runMain(['fetch', 'bash', '--site', RELEASE, ...files, ...keys, ...installer, ...argv], join(dir, 'cache'));
}

/** The setup program in the repo and its signature; undefined for a file that is not there. */
function inRepo(base = ''): (Buffer | undefined)[] {
  return [EXE, `${EXE}.sig`].map((path) => {
    try {
      return readFileSync(join(dir, 'repo', base, path));
    } catch {
      return undefined;
    }
  });
}

const good = (): Script => ({ [EXE]: fault.serve(PROGRAM), [`${EXE}.sig`]: fault.serve(SIGNATURE) });

describe('fetch --installer, over HTTP', () => {
  test.each([
    ['flat', ''],
    ['site', siteDirectory(`${RELEASE}/`)],
  ])('stores the program and its signature in the layout %s, and replaces them by newer ones', async (layout, base) => {
    await using server = await FaultServer.start(good());
    const { exit, stdout } = await fetchFrom(server, '--layout', layout);
    expect(exit).toBe(0);
    expect(stdout).toContain(`; ${base === '' ? '' : `${base}/`}setup-x86_64.exe; locked in`);
    expect(inRepo(base)).toEqual([PROGRAM, SIGNATURE]);
    expect(await fetchFrom(server, '--layout', layout)).toMatchObject({ exit: 0 });
    const newer = craftSignature(NEWER, OWN_KEY);
    server.set(EXE, fault.serve(NEWER));
    server.set(`${EXE}.sig`, fault.serve(newer));
    expect(await fetchFrom(server, '--layout', layout)).toMatchObject({ exit: 0 });
    expect(inRepo(base)).toEqual([NEWER, newer]);
    expect(await runMain(['verify', join(dir, 'repo')], join(dir, 'cache'))).toMatchObject({ exit: 0 });
  });

  test.each<[string, Script, number, string]>([
    ['no signature', { [`${EXE}.sig`]: fault.status(404) }, 1, 'refused: the site has no signature'],
    ['the signature of another key', { [`${EXE}.sig`]: fault.serve(craftSignature(PROGRAM, OTHER_KEY)) }, 1, 'refused'],
    ['a changed byte', { [EXE]: fault.serve(Buffer.from(PROGRAM).fill(0, 99, 100)) }, 1, 'refused'],
    ['an end that is cut', { [EXE]: fault.serve(PROGRAM.subarray(0, 299_999)) }, 1, 'refused'],
    [
      'a page instead of a signature',
      { [`${EXE}.sig`]: fault.serve(Buffer.from('<html></html>')) },
      3,
      'cannot fetch `setup-x86_64.exe.sig`',
    ],
    ['no program', { [EXE]: fault.status(404) }, 3, 'cannot fetch `setup-x86_64.exe`'],
    ['an empty signature', { [`${EXE}.sig`]: fault.serve(Buffer.alloc(0)) }, 1, 'refused'],
  ])('with %s stores nothing, and keeps the program of before', async (_, script, exit, text) => {
    await using server = await FaultServer.start({ ...good(), ...script });
    const refused = await fetchFrom(server);
    expect(refused).toMatchObject({ exit, stderr: expect.stringContaining(text) });
    expect(inRepo()).toEqual([undefined, undefined]);
    for (const [path, answer] of Object.entries(good())) server.set(path, answer);
    expect(await fetchFrom(server)).toMatchObject({ exit: 0 });
    for (const [path, answer] of Object.entries(script)) server.set(path, answer);
    expect(await fetchFrom(server)).toMatchObject({ exit });
    expect(inRepo()).toEqual([PROGRAM, SIGNATURE]);
  });

  test('continues after a broken connection', async () => {
    await using server = await FaultServer.start({
      ...good(),
      [EXE]: [fault.short(PROGRAM, 1000), fault.serve(PROGRAM)],
    });
    expect(await fetchFrom(server)).toMatchObject({ exit: 0 });
    expect(inRepo()).toEqual([PROGRAM, SIGNATURE]);
  });
});
