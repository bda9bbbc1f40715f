import { describe, expect, onTestFinished, test } from 'vitest';
import { newestIndexes } from '../../src/core/lock/newest.ts';
import { findIndex } from '../../src/site/index-discovery.ts';
import type { FindIndexOptions, FoundIndex, UnchangedIndex } from '../../src/site/index-discovery.ts';
import { openSite } from '../../src/site/open-site.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import { readKeyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';
import type { FaultServer, Script } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import type { Fault } from '../support/faults.ts';
import { indexOf, siteOf } from '../support/signed-site.ts';
import { craftKey, craftSignature, tempFiles } from '../trust/support.ts';
import { rejection, startServer, USER_AGENT } from './support.ts';

const KEY = craftKey('RSA');
const STRANGER = craftKey('RSA');
const [OLD, NEW] = [indexOf({ timestamp: 1_700_000_000 }), indexOf({ timestamp: 1_700_100_000 })];
const [OLD_SIGNATURE, NEW_SIGNATURE] = [craftSignature(OLD, KEY), craftSignature(NEW, KEY)];
const INDEX = '/x86_64/setup.ini';
const SIGNATURE = `${INDEX}.sig`;

interface Setting extends Partial<Pick<FindIndexOptions, 'known' | 'newest'>> {
  readonly unsigned?: boolean;
}

async function find(
  servers: readonly FaultServer[],
  { unsigned = false, ...options }: Setting = {},
): Promise<FoundIndex | UnchangedIndex> {
  const keyring = await readKeyring([`${tempFiles({ 'key.gpg': KEY.file })}/key.gpg`]);
  const sites = new SiteSet(
    servers.map(({ url }) => openSite(url, { userAgent: USER_AGENT })),
    { policy: { attemptsPerSite: 2, firstDelayMs: 1 } },
  );
  onTestFinished(() => sites.close());
  const trust = { unsigned, verify: (bytes: Uint8Array, sig: Uint8Array) => verifyDetached(bytes, sig, keyring) };
  return findIndex(sites, { arch: 'x86_64', trustOf: () => trust, ...options });
}

const pair = (index: Fault, signature: Fault): Script => ({ [INDEX]: index, [SIGNATURE]: signature });
const GOOD = pair(fault.serve(NEW), fault.serve(NEW_SIGNATURE));
const DIFFERS = /^it differs from the file that key \w{16} signed: the mirror is being updated/;

describe('an index and a signature that do not belong together', () => {
  const cases: [string, () => Script][] = [
    ['mid-sync: index new, signature old', () => pair(fault.serve(NEW), fault.serve(OLD_SIGNATURE))],
    ['mid-sync: index old, signature new', () => pair(fault.serve(OLD), fault.serve(NEW_SIGNATURE))],
    [
      'the index is redirected to another one',
      () => ({ ...pair(fault.redirect('/other.ini'), fault.serve(NEW_SIGNATURE)), '/other.ini': fault.serve(OLD) }),
    ],
    [
      'the signature is redirected to another one',
      () => ({ ...pair(fault.serve(NEW), fault.redirect('/other.sig')), '/other.sig': fault.serve(OLD_SIGNATURE) }),
    ],
  ];

  test.each(cases)('%s: refused, and never accepted as unsigned', async (_name, script) => {
    const server = await startServer(script());
    for (const unsigned of [false, true]) {
      const error = await rejection(find([server], { unsigned }));
      expect(error).toMatchObject({
        code: 'signature',
        hint: expect.stringMatching(/^use another mirror, or retry later: /),
        details: { passedOver: [{ kind: 'invalid', why: expect.stringMatching(DIFFERS) }] },
      });
      expect((error as { hint: string }).hint).not.toContain('unsigned');
    }
  });

  test.each(cases)('%s: the next site is used', async (_name, script) => {
    const found = await find([await startServer(script()), await startServer(GOOD)]);
    expect(found).toMatchObject({
      signer: KEY.fingerprint,
      bytes: NEW,
      warnings: [expect.stringContaining('differs')],
    });
  });

  test('the index is replaced between the response for its signature and that for its body', async () => {
    const server = await startServer(pair(fault.serve(OLD), fault.serve(OLD_SIGNATURE)));
    server.set(SIGNATURE, (request, response) => {
      fault.serve(OLD_SIGNATURE)(request, response);
      server.set(INDEX, fault.serve(NEW));
    });
    expect(await rejection(find([server]))).toMatchObject({ code: 'signature' });
  });
});

describe('redirects of both', () => {
  test('to a pair that belongs together: accepted under the name of the site', async () => {
    const server = await startServer({
      ...pair(fault.redirect('/a/index'), fault.redirect('/b/signature')),
      '/a/index': fault.serve(NEW),
      '/b/signature': fault.serve(NEW_SIGNATURE),
    });
    expect(await find([server])).toMatchObject({ signer: KEY.fingerprint, path: 'x86_64/setup.ini', bytes: NEW });
  });

  test('to a pair that a stranger signed: refused', async () => {
    const server = await startServer({
      ...pair(fault.redirect('/a/index'), fault.redirect('/b/signature')),
      '/a/index': fault.serve(NEW),
      '/b/signature': fault.serve(craftSignature(NEW, STRANGER)),
    });
    expect(await rejection(find([server]))).toMatchObject({
      code: 'signature',
      hint: 'use another mirror, or trust the key of this site with `--keyring FILE`',
    });
  });
});

describe('a site without signatures', () => {
  test('none exists: the error names the site; another mirror is the first advice', async () => {
    const server = await startServer(siteOf({}));
    expect(await rejection(find([server]))).toMatchObject({
      code: 'signature',
      message:
        'no index for x86_64 has a valid signature of a trusted key\n' +
        `  - \`${server.url}${INDEX}\`: it has no signature file`,
      hint:
        'use another mirror; `cygstrap sites` lists them. For a site of your own that signs nothing, pass ' +
        '`--unsigned-site ADDRESS`',
    });
  });

  test('a page instead of each signature: the same advice', async () => {
    const server = await startServer({ ...siteOf({}), [SIGNATURE]: fault.html() });
    expect(await rejection(find([server]))).toMatchObject({
      code: 'signature',
      message: expect.stringContaining(`\`${server.url}${INDEX}\`: the site sent a web page instead of its signature`),
      hint: expect.stringMatching(/^use another mirror; /),
    });
    expect(await find([server], { unsigned: true })).toMatchObject({ signer: 'unsigned' });
  });

  test('a page for every name: the error names the site; another mirror is the first advice', async () => {
    const names = ['zst', 'xz', 'bz2', 'ini'].flatMap((form) => [`setup.${form}`, `setup.${form}.sig`]);
    const server = await startServer(Object.fromEntries(names.map((name) => [`/x86_64/${name}`, fault.html()])));
    for (const unsigned of [false, true]) {
      expect(await rejection(find([server], { unsigned }))).toMatchObject({
        code: 'fetch',
        message: `cannot fetch \`x86_64/setup.*\` from ${server.url}/: the site sent a web page instead of the file`,
        hint: expect.stringMatching(/^use another mirror, /),
      });
    }
  });
});

describe('unsigned, on request', () => {
  test('without a signature: accepted, with a warning', async () => {
    const server = await startServer(siteOf({}));
    expect(await find([server], { unsigned: true })).toMatchObject({
      signer: 'unsigned',
      signature: undefined,
      warnings: [`\`${server.url}${INDEX}\` is UNSIGNED and was not verified: it has no signature file`],
    });
  });

  test('with a valid signature: signed', async () => {
    expect(await find([await startServer(GOOD)], { unsigned: true })).toMatchObject({
      signer: KEY.fingerprint,
      signature: NEW_SIGNATURE,
      warnings: [],
    });
  });

  test('with the signature of an unknown key: accepted without it, with a warning', async () => {
    const server = await startServer(siteOf({}, STRANGER));
    expect(await find([server], { unsigned: true })).toMatchObject({
      signer: 'unsigned',
      signature: undefined,
      warnings: [
        expect.stringMatching(/UNSIGNED and was not verified: it is signed by key \w{16}, not in the keyring/),
      ],
    });
  });

  test.each([
    ['cut short', NEW_SIGNATURE.subarray(0, 100)],
    ['damaged', Buffer.concat([NEW_SIGNATURE.subarray(0, -1), Buffer.of((NEW_SIGNATURE.at(-1) ?? 0) ^ 1)])],
    ['empty', Buffer.alloc(0)],
    ['no signature', Buffer.from('not found\n')],
    ['of an unknown key, with a damaged one after it', Buffer.concat([craftSignature(NEW, STRANGER), Buffer.of(0x88)])],
  ])('a signature that is %s is not ignored', async (_name, signature) => {
    const server = await startServer(pair(fault.serve(NEW), fault.serve(signature)));
    expect(await rejection(find([server], { unsigned: true }))).toMatchObject({ code: 'signature' });
  });

  test('a form with an invalid signature is not replaced by a form without one', async () => {
    const server = await startServer({
      ...siteOf({}),
      '/x86_64/setup.xz': fault.serve(NEW),
      '/x86_64/setup.xz.sig': fault.serve(OLD_SIGNATURE),
    });
    expect(await rejection(find([server], { unsigned: true }))).toMatchObject({
      code: 'signature',
      details: { passedOver: [{ kind: 'invalid' }, { kind: 'unsigned' }] },
    });
  });
});

test('a known unsigned index is requested again once the site has a signature', async () => {
  const server = await startServer({
    [INDEX]: fault.serve(NEW, { etag: '"new"' }),
    [SIGNATURE]: [fault.status(404), fault.serve(NEW_SIGNATURE)],
  });
  const known = { site: `${server.url}/`, path: 'x86_64/setup.ini', validator: '"new"', isSigned: false };
  expect(await find([server], { unsigned: true, known })).toMatchObject({ kind: 'unchanged' });
  expect(await find([server], { unsigned: true, known })).toMatchObject({ kind: 'found', signer: KEY.fingerprint });
});

test('an older form ends the search of its site: setup would use it', async () => {
  const server = await startServer({
    ...GOOD,
    '/x86_64/setup.xz': fault.serve(OLD),
    '/x86_64/setup.xz.sig': fault.serve(OLD_SIGNATURE),
  });
  const newest = newestIndexes([
    { signer: KEY.fingerprint, release: 'made', arch: 'x86_64', timestamp: 1_700_100_000 },
  ]);
  expect(await rejection(find([server], { newest }))).toMatchObject({ code: 'older-index' });
  expect(server.count(INDEX)).toBe(0);
  expect(await find([server, await startServer(GOOD)], { newest })).toMatchObject({
    bytes: NEW,
    warnings: [expect.stringContaining('the newest index known of its signer is from 2023-11-16 02:00:00 UTC')],
  });
});
