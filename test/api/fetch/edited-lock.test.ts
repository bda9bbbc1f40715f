import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeBundle } from '../../../src/api/bundle.ts';
import { checkLock } from '../../../src/api/lock-check.ts';
import { fetchRepo } from '../../../src/api/fetch.ts';
import { makeMedia } from '../../../src/api/media.ts';
import { verifyRepo } from '../../../src/api/verify.ts';
import type { Event } from '../../../src/events.ts';

const SITES = [resolve('fixtures/release')];
const KEYRING = [resolve('fixtures/release/key.gpg')];

let repo: string;
let lock: string;
beforeEach(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cygstrap-edited-'));
  [repo, lock] = [join(dir, 'repo'), join(dir, 'lock.json')];
  await fetchRepo({ repo, lock, sites: SITES, keyring: KEYRING, packages: ['openssh'], source: true });
});
afterEach(() => rmSync(join(lock, '..'), { recursive: true }));

function edit(from: string | RegExp, to: string): void {
  const text = readFileSync(lock, 'utf8');
  expect(text).toMatch(from);
  writeFileSync(lock, text.replace(from, to));
}

const EDITS = [
  [
    'a name',
    /"name": "bash"/,
    '"name": "bish"',
    'is locked as `bish 5.2.21-1`, but the index lists it as `bash 5.2.21-1`',
  ],
  ['a version', '"version": "5.2.21-1"', '"version": "9.9-9"', 'locked as `bash 9.9-9`'],
  [
    'the version of a source',
    /("source": \{\s*"name": "cygwin-src",\s*"version": )"[^"]*"/,
    '$1"1-1"',
    '`cygwin-src 1-1`',
  ],
  ['no digest', /,\s*"sha512": "[0-9a-f]{128}"(?=\s*\})/, '', 'is locked without the digest that the index lists'],
] as const;

describe.each(EDITS)('a lock that was edited to have %s', (_, from, to, message) => {
  beforeEach(() => edit(from, to));
  const refused = expect.objectContaining({ code: 'lock', message: expect.stringContaining(message) as string });

  test('is refused by fetch', async () => {
    await expect(fetchRepo({ repo, lock, sites: SITES, keyring: KEYRING })).rejects.toEqual(refused);
  });

  test('is refused by fetch with a frozen lock and the index of the lock', async () => {
    await expect(fetchRepo({ repo, lock, sites: SITES, keyring: KEYRING, frozen: true })).rejects.toEqual(refused);
  });

  test('is refused by fetch with a frozen lock and another index in the repo', async () => {
    rmSync(join(repo, '.cygstrap/index'), { recursive: true });
    await expect(fetchRepo({ repo, lock, sites: SITES, keyring: KEYRING, frozen: true })).rejects.toEqual(refused);
  });

  test('is refused by verify', async () => {
    await expect(verifyRepo({ repo, locks: [lock] })).rejects.toEqual(refused);
  });

  test('is refused by bundle', async () => {
    await expect(makeBundle({ repo, lock, out: join(repo, '../bundle.tar') })).rejects.toEqual(refused);
  });
});

test('a lock with another version is refused by media', async () => {
  edit('"version": "5.2.21-1"', '"version": "9.9-9"');
  await expect(makeMedia({ repo, lock, out: join(repo, '../media') })).rejects.toMatchObject({ code: 'lock' });
});

test('of a lock without digests, verify and check report the number as a warning', async () => {
  rmSync(join(repo, 'x86_64/setup.ini'));
  const text = readFileSync(lock, 'utf8');
  writeFileSync(lock, text.replaceAll(/,\s*"sha512": "[0-9a-f]{128}"(?=\s*\}|,\s*"source")/g, ''));
  const warnings: string[] = [];
  const report = (event: Event): void => {
    if (event.kind === 'warning') warnings.push(event.message);
  };
  const { undigested } = await verifyRepo({ repo, locks: [lock] }, { report });
  expect(undigested).toBeGreaterThan(3);
  const warning = `\`${lock}\` has no digest for ${undigested} of ${undigested} files: only their sizes are compared`;
  expect(warnings).toEqual([warning]);
  expect(await checkLock({ lock }, { report })).toMatchObject({ undigested });
  expect(warnings).toEqual([warning, warning]);
});
