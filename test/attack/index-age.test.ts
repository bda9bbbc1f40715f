import fc from 'fast-check';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { FaultServer } from '../support/fault-server.ts';
import { runMain } from '../support/main.ts';
import { siteOf } from '../support/signed-site.ts';
import { craftKey } from '../trust/support.ts';
import { attack } from './support.ts';

const KEY = craftKey('RSA');
const SITES = [1_700_000_000, 1_700_000_001, 1_800_000_000].map((timestamp) => ({
  timestamp,
  script: siteOf({ timestamp }, KEY),
}));

let server: FaultServer;
let dir: string;
beforeAll(async () => {
  server = await FaultServer.start({});
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-attack-'));
  writeFileSync(join(dir, 'key.gpg'), KEY.file);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A command, the age of the index at the site, and whether an older index is allowed. */
const step = fc.record({
  command: fc.constantFrom('lock', 'update', 'fetch', 'full-index', 'all'),
  site: fc.constantFrom(...SITES),
  isAllowed: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The newest times that the lock, the repo and the index that `lock` and `update` keep know. */
interface Known {
  lock: number;
  kept: number;
  repo: number;
}

/** Runs one command and compares its exit code and effects with what is known. */
async function check(work: string, { command, site, isAllowed }: Step, known: Known): Promise<void> {
  const { timestamp, script } = site;
  for (const [path, faults] of Object.entries(script)) server.set(path, faults);
  const [lock, repo, index] = [join(work, 'lock.json'), join(work, 'repo'), join(work, 'repo/x86_64/setup.ini')];
  const isLock = command === 'lock' || command === 'update';
  if (command === 'update' && !existsSync(lock)) return;
  if (!isLock) {
    rmSync(lock, { force: true });
    known.lock = 0;
  }
  const before = [lock, index].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
  const argv = [
    ...(isLock ? [command, '--lock', lock] : ['fetch', '--repo', repo, '--no-cache']),
    ...(command === 'update' ? [] : command === 'all' ? ['--all'] : ['tool']),
    ...(command === 'all' ? [] : ['--no-base', ...(isLock ? [] : ['--lock', lock])]),
    ...(command === 'full-index' ? ['--full-index'] : []),
    ...(isAllowed ? ['--allow-older-index'] : []),
    '--quiet',
    '--site',
    server.url,
    '--keyring',
    join(dir, 'key.gpg'),
  ];
  const { exit, stderr } = await runMain(argv, join(work, 'cache'));
  const isOlder = timestamp < (isLock ? Math.max(known.lock, known.kept) : known.repo);
  expect(exit, stderr).toBe(isOlder && !isAllowed ? 1 : 0);
  if (exit === 1) {
    expect(stderr).toContain('the index for x86_64 is older than one that was used before');
    expect([lock, index].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''))).toEqual(before);
    return;
  }
  if (command !== 'all') known.lock = timestamp;
  if (isLock) known.kept = timestamp;
  else known.repo = Math.max(known.repo, timestamp);
}

attack(
  'a site that goes back and forth in time, between commands that write a lock or a repo',
  'neither gets an older index without `--allow-older-index`',
  { count: 150, from: fc.array(step, { minLength: 2, maxLength: 4 }) },
  async (steps) => {
    const work = mkdtempSync(join(dir, 'work-'));
    const known = { lock: 0, kept: 0, repo: 0 };
    for (const one of steps) await check(work, one, known);
    rmSync(work, { recursive: true });
  },
);
