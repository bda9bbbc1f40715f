import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CygstrapError } from '../../src/errors.ts';
import type { Event } from '../../src/events.ts';
import type { FetchError } from '../../src/site/base/fetch-error.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import type { SiteSetOptions, Work } from '../../src/site/site-set.ts';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { BYTES, bytesOf, fetchError, read, rejection, SHORT_TIMEOUTS, site, startServer } from './support.ts';

const DIGEST = digestOf(BYTES);

function digestOf(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

/** Reads `a` and verifies it, as the store does. */
const verified: Work<Buffer> = async (from) => {
  const bytes = await read(from, 'a');
  if (bytes.length !== BYTES.length)
    throw new CygstrapError('verify', `size differs: expected ${BYTES.length}, found ${bytes.length}`);
  if (digestOf(bytes) !== DIGEST) throw new CygstrapError('verify', 'sha512 differs');
  return bytes;
};

/** A set over addresses that records its waits and events instead of waiting; `clock.ms` is its time. */
function setOf(addresses: readonly string[], options: SiteSetOptions = {}) {
  const events: Event[] = [];
  const waits: number[] = [];
  const clock = { ms: 0 };
  const sites = addresses.map((address) => site(address, { timeouts: SHORT_TIMEOUTS }));
  const set = new SiteSet(sites, {
    report: (event) => events.push(event),
    sleep: async (delayMs) => waits.push(delayMs),
    random: () => 0.5,
    now: () => clock.ms,
    ...options,
  });
  return {
    set,
    sites,
    events,
    waits,
    clock,
    demoted: () => events.flatMap((event) => (event.kind === 'site-demoted' ? [event.site] : [])),
  };
}

describe('one site', () => {
  test('a passing failure is tried again, after growing delays', async () => {
    const server = await startServer({
      '/a': [fault.status(500), fault.resetBeforeHeaders(), fault.short(BYTES, 100), fault.serve(BYTES)],
    });
    const { set, waits, events } = setOf([server.url]);
    expect(await set.attempt('a', verified)).toEqual(BYTES);
    expect(server.count()).toBe(4);
    expect(waits).toEqual([375, 750, 1500]);
    expect(events).toMatchObject([
      {
        kind: 'transfer-failed',
        path: 'a',
        site: `${server.url}/`,
        attempt: 1,
        why: 'the site answers 500',
        retryInMs: 375,
      },
      { kind: 'transfer-failed', attempt: 2, retryInMs: 750 },
      { kind: 'transfer-failed', attempt: 3, retryInMs: 1500 },
    ]);
  });

  test('Retry-After is waited for', async () => {
    const server = await startServer({ '/a': [fault.tooMany(20), fault.serve(BYTES)] });
    const { set, waits } = setOf([server.url]);
    expect(await set.attempt('a', verified)).toEqual(BYTES);
    expect(waits).toEqual([20_000]);
  });

  test('but not forever', async () => {
    const server = await startServer({ '/a': fault.tooMany(3600) });
    const { set, waits } = setOf([server.url]);
    expect(await fetchError(set.attempt('a', verified))).toMatchObject({ kind: 'status', status: 429 });
    expect([server.count(), waits]).toEqual([1, []]);
  });

  test.each([
    ['404', fault.status(404), 'missing', 1],
    ['403', fault.status(403), 'refused', 1],
    ['500', fault.status(500), 'status', 5],
    ['redirect loop', fault.redirect('/a'), 'redirect', 1],
    ['reset in the body', fault.resetMidBody(BYTES, 100), 'reset', 5],
    ['stall', fault.stall(BYTES, 100), 'timeout', 5],
    ['short body', fault.short(BYTES, 100), 'short', 5],
    ['web page', fault.html(), 'html', 1],
    ['gzip applied', fault.gzipped(BYTES), 'wrong-bytes', 1],
    ['right size, wrong bytes', fault.wrongBytes(BYTES), 'wrong-bytes', 1],
    ['longer than it should be', fault.long(BYTES, 10), 'wrong-bytes', 1],
  ] as const)('%s for good', async (_name, answer, kind, requests) => {
    const server = await startServer({ '/a': answer });
    const { set, events, demoted } = setOf([server.url]);
    const error = await fetchError(set.attempt('a', verified));
    expect(error).toMatchObject({
      code: 'fetch',
      kind,
      details: { kind, url: 'a', attempts: requests, sites: [{ site: `${server.url}/`, attempts: requests }] },
    });
    expect(error.message).toMatch(/^cannot fetch `a` from http:\/\/127/);
    expect(server.count()).toBe(requests);
    expect(events.map((event) => event.kind === 'transfer-failed' && event.retryInMs === undefined)).toEqual([
      ...Array.from({ length: requests - 1 }, () => false),
      true,
    ]);
    expect(demoted()).toEqual([]);
    await set.close();
    await server.drained();
  });

  test('an error that no site can fix stops at once, unchanged', async () => {
    const { set, events } = setOf(['/nowhere', '/nowhere-else']);
    const full = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    expect(await rejection(set.attempt('a', () => Promise.reject(full)))).toBe(full);
    expect(events).toEqual([]);
  });

  test('an interrupted download continues where it stopped', async () => {
    const options = { etag: '"one"' };
    const server = await startServer({ '/a': [fault.short(BYTES, 2_000, options), fault.serve(BYTES, options)] });
    const { set } = setOf([server.url]);
    expect(await set.attempt('a', resuming())).toEqual(BYTES);
    expect(server.log.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=2000-']);
  });

  test('a file that changed between two ranges comes whole from its new state', async () => {
    const old = Buffer.alloc(BYTES.length, 'old');
    const server = await startServer({
      '/a': [
        fault.short(old, 2_000, { etag: '"old"' }),
        fault.ignoredIfRange(BYTES, { etag: '"new"' }),
        fault.serve(BYTES, { etag: '"new"' }),
      ],
    });
    const { set, waits } = setOf([server.url]);
    expect(await set.attempt('a', resuming())).toEqual(BYTES);
    expect(server.log.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=2000-', undefined]);
    expect(waits).toEqual([375]);
  });

  test('no site: an error, not a wait', async () => {
    expect((await fetchError(setOf([]).set.attempt('a', verified))).message).toBe('cannot fetch `a`: no site is given');
  });
});

/** Keeps what came, and goes on with it. */
function resuming(): Work<Buffer> {
  let kept: { bytes: Buffer; validator: string | undefined } = { bytes: Buffer.alloc(0), validator: undefined };
  return async (from) => {
    const { bytes, validator } = kept;
    kept = { bytes: Buffer.alloc(0), validator: undefined };
    const download = await from.open('a', { fromByte: bytes.length, ...(validator !== undefined && { validator }) });
    const chunks = [bytes.subarray(0, download.startByte)];
    try {
      for await (const chunk of download.chunks) chunks.push(Buffer.from(chunk));
    } catch (error) {
      kept = { bytes: Buffer.concat(chunks), validator: download.validator };
      throw error;
    }
    return Buffer.concat(chunks);
  };
}

describe('several sites', () => {
  test('in their order: the second is not asked while the first delivers', async () => {
    const [first, second] = [
      await startServer({ '/a': fault.serve(BYTES) }),
      await startServer({ '/a': fault.serve(BYTES) }),
    ];
    await setOf([first.url, second.url]).set.attempt('a', verified);
    expect([first.count(), second.count()]).toEqual([1, 0]);
  });

  test.each([
    ['missing (in mid-sync)', fault.status(404)],
    ['wrong bytes', fault.wrongBytes(BYTES)],
    ['a web page', fault.html()],
    ['silence', fault.silence()],
  ])('%s: the next one, without a delay', async (_name, answer) => {
    const [first, second] = [await startServer({ '/a': answer }), await startServer({ '/a': fault.serve(BYTES) })];
    const { set, waits, events } = setOf([first.url, second.url]);
    expect(await set.attempt('a', verified)).toEqual(BYTES);
    expect([first.count(), second.count(), waits]).toEqual([1, 1, []]);
    expect(events[0]).toMatchObject({ kind: 'transfer-failed', attempt: 1, retryInMs: 0 });
  });

  test('the attempt number counts over all sites', async () => {
    const first = await startServer({ '/a': fault.status(404) });
    const second = await startServer({ '/a': [fault.status(500), fault.serve(BYTES)] });
    const seen: string[] = [];
    await setOf([first.url, second.url]).set.attempt('a', async (from, attempt) => {
      seen.push(`${attempt} ${from.name}`);
      return bytesOf(await from.open('a'));
    });
    expect(seen).toEqual([`1 ${first.url}/`, `2 ${second.url}/`, `3 ${second.url}/`]);
  });

  test('all failed: one error with every site and its last reason', async () => {
    const [first, second, dead] = [
      await startServer({ '/a': fault.status(404) }),
      await startServer({ '/a': [fault.status(500), fault.status(403)] }),
      await closedAddress(),
    ];
    const { set } = setOf([first.url, second.url.replace('//', '//me:secret@'), dead]);
    const error = await fetchError(set.attempt('a', verified));
    expect(error.details).toEqual({
      kind: 'refused',
      url: 'a',
      status: 403,
      attempts: 8,
      sites: [
        { site: `${first.url}/`, attempts: 1, why: 'the site answers 404' },
        { site: `${second.url}/`, attempts: 2, why: 'the site answers 403' },
        { site: `${dead}/`, attempts: 5, why: 'connection refused' },
      ],
    });
    expect(error.message).toBe(
      `cannot fetch \`a\` from any of 3 sites: ${first.url}/: the site answers 404; ${second.url}/: the ` +
        `site answers 403 (2 attempts); ${dead}/: connection refused (5 attempts)`,
    );
  });

  test('missing everywhere is missing', async () => {
    const server = await startServer({});
    expect(await fetchError(setOf([`${server.url}/x`, `${server.url}/y`]).set.attempt('a', verified))).toMatchObject({
      kind: 'missing',
      status: 404,
    });
  });
});

describe('demotion', () => {
  test('a dead site is asked once, then last; a probe brings it back', async () => {
    const dead = await startServer({ '/a': [fault.silence(), fault.silence(), fault.serve(BYTES)] });
    const good = await startServer({ '/a': fault.serve(BYTES) });
    const { set, clock, demoted } = setOf([dead.url, good.url], {
      policy: { probeAfterMs: 1000, longestProbeAfterMs: 3000 },
    });
    const counts = async (): Promise<number[]> => {
      await set.attempt('a', verified);
      return [dead.count(), good.count()];
    };
    expect(await counts()).toEqual([1, 1]);
    expect(demoted()).toEqual([`${dead.url}/`]);
    expect(await counts()).toEqual([1, 2]);
    clock.ms = 999;
    expect(await counts()).toEqual([1, 3]);
    // The probe fails: twice the time until the next.
    clock.ms = 1000;
    expect(await counts()).toEqual([2, 4]);
    clock.ms = 2999;
    expect(await counts()).toEqual([2, 5]);
    clock.ms = 3000;
    expect(await counts()).toEqual([3, 5]);
    expect(await counts()).toEqual([4, 5]);
    expect(demoted()).toEqual([`${dead.url}/`]);
  });

  test('a site that fails now and then is demoted by three failures in a row, of any files', async () => {
    const first = await startServer({ '/a': fault.status(503) });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted, waits } = setOf([first.url, second.url]);
    await set.attempt('a', verified);
    expect([first.count(), second.count(), waits.length]).toEqual([3, 1, 2]);
    expect(demoted()).toEqual([`${first.url}/`]);
    await set.attempt('a', verified);
    expect([first.count(), second.count()]).toEqual([3, 2]);
  });

  test('a success in between forgives', async () => {
    const first = await startServer({
      '/a': [
        fault.status(503),
        fault.status(503),
        fault.serve(BYTES),
        fault.status(503),
        fault.status(503),
        fault.serve(BYTES),
      ],
    });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted } = setOf([first.url, second.url]);
    await set.attempt('a', verified);
    await set.attempt('a', verified);
    expect([first.count(), second.count(), demoted()]).toEqual([6, 0, []]);
  });

  test('a demoted site still serves when the others cannot, and is restored by it', async () => {
    const first = await startServer({ '/a': [fault.wrongBytes(BYTES), fault.serve(BYTES)] });
    const second = await startServer({ '/a': [fault.serve(BYTES), fault.status(404)] });
    const { set } = setOf([first.url, second.url]);
    for (let at = 0; at < 3; at++) await set.attempt('a', verified);
    expect([first.count(), second.count()]).toEqual([3, 2]);
  });

  test('missing files demote only a site that lacks many in a row', async () => {
    const first = await startServer({});
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted } = setOf([first.url, second.url]);
    for (let at = 0; at < 23; at++) await set.attempt('a', verified);
    expect(demoted()).toEqual([]);
    for (let at = 0; at < 10; at++) await set.attempt('a', verified);
    expect(demoted()).toEqual([`${first.url}/`]);
    expect(first.count()).toBe(24);
  });

  test('only one of many transfers probes', async () => {
    const first = await startServer({ '/a': fault.silence() });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, clock, demoted } = setOf([first.url, second.url], { policy: { probeAfterMs: 1000 } });
    await set.attempt('a', verified);
    clock.ms = 1000;
    await Promise.all(Array.from({ length: 10 }, () => set.attempt('a', verified)));
    expect([first.count(), second.count(), demoted().length]).toEqual([2, 11, 1]);
  });

  test('many transfers at once tell of it once', async () => {
    const dead = await closedAddress();
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted, waits } = setOf([dead, second.url]);
    await Promise.all(Array.from({ length: 10 }, () => set.attempt('a', verified)));
    expect([second.count(), demoted(), waits]).toEqual([10, [`${dead}/`], []]);
  });
});

describe('an abort', () => {
  test('ends many waits at once', async () => {
    const server = await startServer({ '/a': fault.tooMany(50) });
    const control = new AbortController();
    const set = new SiteSet([site(server.url)]);
    const attempts = Array.from({ length: 12 }, () =>
      rejection(set.attempt('a', verified, { signal: control.signal })),
    );
    setTimeout(() => control.abort('enough'), 60);
    expect(new Set(await Promise.all(attempts))).toEqual(new Set(['enough']));
  });

  test('in a wait ends it at once, with its reason as it is', async () => {
    const server = await startServer({ '/a': fault.tooMany(50) });
    const control = new AbortController();
    const reason = { stop: 'please' };
    const set = new SiteSet([site(server.url)], {
      report: (event) => void (event.kind === 'transfer-failed' && queueMicrotask(() => control.abort(reason))),
    });
    expect(await rejection(set.attempt('a', verified, { signal: control.signal }))).toBe(reason);
    expect(server.count()).toBe(1);
  });

  test('in the work is not an error of the site', async () => {
    const server = await startServer({ '/a': fault.silence() });
    const control = new AbortController();
    const { set, events } = setOf([server.url]);
    const reason = new Error('enough');
    setTimeout(() => control.abort(reason), 20);
    const attempt = set.attempt('a', (from) => read(from, 'a', control.signal), { signal: control.signal });
    expect(await rejection(attempt)).toBe(reason);
    expect(events).toEqual([]);
    await server.drained();
  });

  test('before: nothing is asked', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const reason = new Error('not now');
    expect(await rejection(setOf([server.url]).set.attempt('a', verified, { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    expect(server.count()).toBe(0);
  });
});

test('errors of the set keep the error of the work', async () => {
  const server = await startServer({ '/a': fault.wrongBytes(BYTES) });
  const error: FetchError = await fetchError(setOf([server.url]).set.attempt('a', verified));
  expect(error.cause).toMatchObject({ code: 'verify', message: 'sha512 differs' });
});
