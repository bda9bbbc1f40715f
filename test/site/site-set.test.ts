import { describe, expect, test } from 'vitest';
import type { FetchError } from '../../src/site/base/fetch-error.ts';
import type { Work } from '../../src/site/site-set.ts';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { BYTES, bytesOf, fetchError, rejection, setOf, startServer, verified } from './support.ts';

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

  test.each([
    ['no connection', undefined, /^check the network and the address of the mirror, or use another mirror/],
    ['an error of the server', fault.status(503), /^retry later, or use another mirror/],
    ['a status with a hint of its own', fault.status(401), /^pass a user name and a password/],
  ])('the error says what to do: %s', async (_name, answer, hint) => {
    const address = answer === undefined ? await closedAddress() : (await startServer({ '/a': answer })).url;
    expect((await fetchError(setOf([address]).set.attempt('a', verified))).hint).toMatch(hint);
  });

  test('missing everywhere is missing', async () => {
    const server = await startServer({});
    expect(await fetchError(setOf([`${server.url}/x`, `${server.url}/y`]).set.attempt('a', verified))).toMatchObject({
      kind: 'missing',
      status: 404,
    });
  });
});

test('errors of the set keep the error of the work', async () => {
  const server = await startServer({ '/a': fault.wrongBytes(BYTES) });
  const error: FetchError = await fetchError(setOf([server.url]).set.attempt('a', verified));
  expect(error.cause).toMatchObject({ code: 'verify', message: 'sha512 differs' });
});
