import { describe, expect, test } from 'vitest';
import { fetchFiles } from '../../../src/api/fetch-files.ts';
import { parseRepoPath } from '../../../src/repo/files/path.ts';
import { Store } from '../../../src/repo/store.ts';
import { openSite } from '../../../src/site/open-site.ts';
import { SiteSet } from '../../../src/site/site-set.ts';
import { closedAddress, FaultServer } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import type { Fault } from '../../support/faults.ts';
import { FAST, URL_PATH, bytesOf, expectNothing, expectWhole, fetchFrom, tempDir } from './support.ts';

/** Larger than what the store takes in one piece, so that a broken download is kept. */
const LARGE = bytesOf(3 * 1024 * 1024);
const SMALL = bytesOf(20_000);

/** What a site does for ever: how often it is asked, and what is said in the end. */
const LASTING: readonly (readonly [name: string, fault: Fault, requests: number, why: RegExp])[] = [
  ['404', fault.status(404), 1, /not there|does not have|404/i],
  ['403', fault.status(403), 1, /403|not give/i],
  ['500', fault.status(500), 3, /500/],
  ['a redirect loop', fault.redirect(URL_PATH), 1, /redirect/i],
  ['reset before headers', fault.resetBeforeHeaders(), 3, /lost|reset|closed/i],
  ['reset in the body', fault.resetMidBody(SMALL, 9000), 3, /lost|reset/i],
  ['a stall', fault.stall(SMALL, 9000), 3, /no data received/],
  ['a short body', fault.short(SMALL, 9000), 3, /short|broke|fewer|bytes/i],
  ['an announced short body', fault.serve(SMALL.subarray(0, 9000)), 1, /too short/],
  ['a long body', fault.long(SMALL, 100), 1, /too long/],
  ['wrong bytes of the right size', fault.wrongBytes(SMALL), 1, /sha512 differs/],
  ['a web page', fault.html(), 1, /web page|HTML/i],
  ['a web page that hides', fault.html('application/octet-stream'), 1, /web page|HTML|too short/i],
  ['gzip applied', fault.gzipped(SMALL), 1, /gzip/],
];

describe('one site that always fails', () => {
  test.each(LASTING)('%s', async (_name, lasting, requests, why) => {
    await using server = await FaultServer.start({ [URL_PATH]: lasting });
    expectNothing(await fetchFrom([server.url], SMALL), why);
    if (_name !== 'a redirect loop') expect(server.count(URL_PATH)).toBe(requests);
  });

  test('connection refused', async () => {
    expectNothing(await fetchFrom([await closedAddress()], SMALL), /connect|refused/i);
  });
});

describe('the same, with a good site behind it', () => {
  test.each(LASTING)('%s', async (_name, lasting) => {
    await using bad = await FaultServer.start({ [URL_PATH]: lasting });
    await using good = await FaultServer.start({ [URL_PATH]: fault.serve(SMALL) });
    expectWhole(await fetchFrom([bad.url, good.url], SMALL), SMALL);
    expect(good.count(URL_PATH)).toBe(1);
  });
});

/** What passes: how often the one site is asked. */
const PASSING: readonly (readonly [name: string, script: readonly Fault[], bytes: Uint8Array, requests: number])[] = [
  ['500, then 200', [fault.status(500), fault.serve(SMALL)], SMALL, 2],
  ['429 with Retry-After, then 200', [fault.tooMany(0), fault.serve(SMALL)], SMALL, 2],
  ['a slow drip', [fault.drip(SMALL, 5000, 20)], SMALL, 1],
  [
    'reset in the body, then the rest',
    [fault.resetMidBody(LARGE, 2_000_000, { etag: '"a"' }), fault.serve(LARGE, { etag: '"a"' })],
    LARGE,
    2,
  ],
  [
    'a changed file between two ranges',
    [fault.resetMidBody(bytesOf(3_000_000), 2_000_000, { etag: '"old"' }), fault.serve(LARGE, { etag: '"new"' })],
    LARGE,
    2,
  ],
  [
    'an ignored range',
    [fault.resetMidBody(LARGE, 2_000_000, { etag: '"a"' }), fault.ignoredRange(LARGE, { etag: '"a"' })],
    LARGE,
    2,
  ],
  [
    'a wrong range',
    [
      fault.resetMidBody(LARGE, 2_000_000, { etag: '"a"' }),
      fault.wrongRange(LARGE, 5),
      fault.serve(LARGE, { etag: '"a"' }),
    ],
    LARGE,
    3,
  ],
];

test.each(PASSING)('%s', async (_name, script, bytes, requests) => {
  await using server = await FaultServer.start({ [URL_PATH]: script });
  expectWhole(await fetchFrom([server.url], bytes), bytes);
  expect(server.count(URL_PATH)).toBe(requests);
});

test('an interrupted download continues where it stopped', async () => {
  await using server = await FaultServer.start({
    [URL_PATH]: [fault.resetMidBody(LARGE, 2_500_000, { etag: '"a"' }), fault.serve(LARGE, { etag: '"a"' })],
  });
  const { events } = await fetchFrom([server.url], LARGE);
  const starts = events.flatMap((event) => (event.kind === 'transfer-start' ? [event.fromByte] : []));
  expect(starts).toHaveLength(2);
  expect(starts[1]).toBeGreaterThan(0);
});

test('after many consecutive failures the rest is not tried; missing files do not count', async () => {
  const root = tempDir();
  await using server = await FaultServer.start({});
  const digest = { algorithm: 'sha512', hex: '0'.repeat(128) } as const;
  const filesOf = (sites: SiteSet) =>
    Array.from({ length: 200 }, (_, i) => ({
      file: { path: parseRepoPath(`x86_64/release/p${i}/p.tar.xz`), sizeBytes: 1, digest },
      sites,
    }));
  const [dead, lacking] = [await closedAddress(), server.url].map(
    (address) => new SiteSet([openSite(address, { userAgent: 'test' })], { policy: FAST }),
  ) as [SiteSet, SiteSet];
  const store = await Store.open(root, { kind: 'flat' });
  const options = { jobs: 4, report: () => {} };
  const hopeless = await fetchFiles(store, filesOf(dead), options);
  expect(hopeless.failed.length + hopeless.untried.length).toBe(200);
  expect(hopeless.untried.length).toBeGreaterThan(150);
  expect((await fetchFiles(store, filesOf(lacking), options)).failed).toHaveLength(200);
  await Promise.all([store.close(), dead.close(), lacking.close()]);
});
