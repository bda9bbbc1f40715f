import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchRepo } from '../../../src/api/fetch.ts';

const RELEASE = resolve('fixtures/release');
const KEYRING = [resolve('fixtures/release/key.gpg')];
const BASH = 'x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz';

let dir: string;
let site: string;
let lock: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-update-'));
  [site, lock] = [join(dir, 'site'), join(dir, 'lock.json')];
  cpSync(RELEASE, site, { recursive: true });
  const request = { packages: ['bash'] };
  await fetchRepo(
    { repo: join(dir, 'first'), lock, sites: [site], keyring: KEYRING, ...request },
    { cacheDirectory: null },
  );
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Fetches the locked files into an empty repo. */
function fetchAgain(...sites: string[]): Promise<unknown> {
  return fetchRepo({ repo: join(dir, 'second'), lock, sites, keyring: KEYRING }, { cacheDirectory: null });
}

const gone = {
  code: 'fetch',
  message: expect.stringContaining(BASH) as string,
  hint: expect.stringMatching(
    /^mirrors keep only current and previous versions, .* index of 20\d\d-\d\d-\d\d: use another `--site`, .*repo or bundle/,
  ) as string,
};

test('a locked archive that the site has removed: the error names it and says where it can still be', async () => {
  rmSync(join(site, BASH));
  await expect(fetchAgain(site)).rejects.toMatchObject(gone);
});

test('a locked archive that the site has replaced: the error says the same', async () => {
  writeFileSync(join(site, BASH), 'rebuilt');
  await expect(fetchAgain(site)).rejects.toMatchObject(gone);
});

test('another site that still has the archive is used', async () => {
  rmSync(join(site, BASH));
  await expect(fetchAgain(site, RELEASE)).resolves.toMatchObject({ kind: 'fetched' });
});

test('an index that is newer than the archives: the missing archive is named, the others are stored', async () => {
  const [newest = ''] = readdirSync(join(site, 'x86_64/release/cygwin')).filter((name) => name.includes('3.5.4-1-x'));
  renameSync(join(site, 'x86_64/release/cygwin', newest), join(site, 'late'));
  await expect(fetchAgain(site)).rejects.toMatchObject({
    message: expect.stringMatching(/^1 of the files .*cygwin-3\.5\.4-1/s) as string,
  });
  renameSync(join(site, 'late'), join(site, 'x86_64/release/cygwin', newest));
  await expect(fetchAgain(site)).resolves.toMatchObject({ kind: 'fetched', presentFiles: 2 });
});
