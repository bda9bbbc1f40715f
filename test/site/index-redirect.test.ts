import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { findIndex } from '../../src/site/index-discovery.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import { readKeyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';
import type { Script } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { site, startServer } from './support.ts';

const RELEASE = fileURLToPath(new URL('../../fixtures/release', import.meta.url));
const keyring = await readKeyring([`${RELEASE}/key.gpg`]);
const INDEX = '/x86_64/setup.zst';

function fileOf(path: string): Buffer {
  return readFileSync(`${RELEASE}${path}`);
}

async function find(script: Script) {
  const server = await startServer(script);
  const set = new SiteSet([site(server.url)], { policy: { attemptsPerSite: 1 } });
  onTestFinished(() => set.close());
  return findIndex(set, {
    arch: 'x86_64',
    trustOf: () => ({ unsigned: false, verify: (bytes, signature) => verifyDetached(bytes, signature, keyring) }),
  });
}

/** Another host with the index of the site, and with another signed index. */
async function otherHost(): Promise<string> {
  const served = [INDEX, `${INDEX}.sig`, '/x86_64/setup.xz', '/x86_64/setup.xz.sig'];
  const server = await startServer(Object.fromEntries(served.map((path) => [path, fault.serve(fileOf(path))])));
  return server.url;
}

test.each([
  ['the index', INDEX],
  ['the signature', `${INDEX}.sig`],
])('%s is redirected to another host: both are verified together', async (_name, path) => {
  const other = await otherHost();
  const good = { [INDEX]: fault.serve(fileOf(INDEX)), [`${INDEX}.sig`]: fault.serve(fileOf(`${INDEX}.sig`)) };
  const found = await find({ ...good, [path]: fault.redirect(`${other}${path}`) });
  expect(found).toMatchObject({ kind: 'found', path: INDEX.slice(1), bytes: fileOf(INDEX), warnings: [] });
});

test.each([
  ['the index', INDEX, '/x86_64/setup.xz'],
  ['the signature', `${INDEX}.sig`, '/x86_64/setup.xz.sig'],
])('%s is redirected to that of another index: refused', async (_name, path, target) => {
  const other = await otherHost();
  const good = { [INDEX]: fault.serve(fileOf(INDEX)), [`${INDEX}.sig`]: fault.serve(fileOf(`${INDEX}.sig`)) };
  const finding = find({ ...good, [path]: fault.redirect(`${other}${target}`) });
  await expect(finding).rejects.toMatchObject({ code: 'signature' });
});

test('both are redirected to another index with a valid signature of the same key: that one is used', async () => {
  const other = await otherHost();
  const found = await find({
    [INDEX]: fault.redirect(`${other}/x86_64/setup.xz`),
    [`${INDEX}.sig`]: fault.redirect(`${other}/x86_64/setup.xz.sig`),
  });
  expect(found).toMatchObject({ kind: 'found', bytes: fileOf('/x86_64/setup.xz') });
});
