import { describe, expect, test } from 'vitest';
import { Client } from 'undici';
import { HttpRequest } from '../../src/site/http/request.ts';
import { TIMEOUTS } from '../../src/site/http/timeouts.ts';
import type { FetchErrorKind } from '../../src/site/base/fetch-error.ts';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import type { Fault } from '../support/faults.ts';
import { BYTES, bytesOf, fetchError, read, rejection, SHORT_TIMEOUTS, site, startServer } from './support.ts';

describe('faults', () => {
  const half = BYTES.length / 2;

  test.each<readonly [string, Fault, FetchErrorKind, { status?: number; retryAfterMs?: number; isTransient: boolean }]>(
    [
      ['404', fault.status(404), 'missing', { status: 404, isTransient: false }],
      ['410', fault.status(410), 'missing', { status: 410, isTransient: false }],
      ['401', fault.status(401), 'refused', { status: 401, isTransient: false }],
      ['403', fault.status(403), 'refused', { status: 403, isTransient: false }],
      ['400', fault.status(400), 'status', { status: 400, isTransient: false }],
      ['204', fault.status(204), 'status', { status: 204, isTransient: false }],
      ['500', fault.status(500), 'status', { status: 500, isTransient: true }],
      [
        '503 with Retry-After',
        fault.status(503, { 'retry-after': '7' }),
        'status',
        { status: 503, retryAfterMs: 7000, isTransient: true },
      ],
      ['429 with Retry-After', fault.tooMany(3), 'status', { status: 429, retryAfterMs: 3000, isTransient: true }],
      [
        '429 with a date gone by',
        fault.tooMany('Wed, 21 Oct 2015 07:28:00 GMT'),
        'status',
        { status: 429, retryAfterMs: 0, isTransient: true },
      ],
      ['429 with nonsense', fault.tooMany('soon'), 'status', { status: 429, isTransient: true }],
      ['reset before headers', fault.resetBeforeHeaders(), 'reset', { isTransient: true }],
      ['closed before headers', fault.closeBeforeHeaders(), 'reset', { isTransient: true }],
      ['reset in the body', fault.resetMidBody(BYTES, half), 'reset', { isTransient: true }],
      ['short body', fault.short(BYTES, half), 'short', { isTransient: true }],
      [
        'short body, to be closed anyway',
        fault.short(BYTES, half, { headers: { connection: 'close' } }),
        'short',
        { isTransient: true },
      ],
      ['chunk cut short', fault.cutChunk(BYTES), 'protocol', { isTransient: true }],
      ['no answer', fault.silence(), 'timeout', { isTransient: true }],
      ['stall', fault.stall(BYTES, half), 'timeout', { isTransient: true }],
      ['stall before the first byte', fault.stall(BYTES, 0), 'timeout', { isTransient: true }],
      ['slow drip', fault.drip(BYTES, 10, 20), 'timeout', { isTransient: true }],
      ['web page', fault.html(), 'html', { isTransient: false }],
      ['web page in disguise', fault.html('application/octet-stream'), 'html', { isTransient: false }],
      [
        'web page without a type, a byte at a time',
        fault.drip(Buffer.from('\ufeff\n <HTML><p>'), 1, 2),
        'html',
        { isTransient: false },
      ],
      ['not HTTP', fault.garbage(), 'protocol', { isTransient: true }],
    ],
  )('%s', async (_name, answer, kind, expected) => {
    const server = await startServer({ '/pub/a.tar.xz': answer });
    const from = site(`${server.url}/pub`.replace('//', '//me:secret@'), { timeouts: SHORT_TIMEOUTS });
    const error = await fetchError(read(from, 'a.tar.xz'));
    expect(error).toMatchObject({
      code: 'fetch',
      kind,
      url: `${server.url}/pub/a.tar.xz`,
      status: undefined,
      retryAfterMs: undefined,
      ...expected,
    });
    expect(error.details).toMatchObject({ kind, url: error.url });
    expect(JSON.stringify([error.message, error.details, from.name])).not.toContain('secret');
    expect(server.count()).toBe(1);
    await from.close();
    await server.drained();
  });

  test('connection refused', async () => {
    const from = site(await closedAddress());
    expect(await fetchError(from.open('a'))).toMatchObject({ kind: 'connect', isTransient: true });
  });

  test('unknown host', async () => {
    expect((await fetchError(site('http://nowhere.invalid/').open('a'))).kind).toBe('connect');
  });

  test('bytes received before a break are delivered', async () => {
    const server = await startServer({ '/a': fault.short(BYTES, half) });
    const { chunks } = await site(server.url).open('a');
    let receivedBytes = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of chunks) receivedBytes += chunk.length;
    };
    expect((await fetchError(reading())).why).toContain(`${half} of ${BYTES.length} bytes`);
    expect(receivedBytes).toBe(half);
  });

  test('what follows the announced bytes is not part of the file, and spoils no other request', async () => {
    const server = await startServer({ '/a': fault.surplus(BYTES, 100), '/b': fault.serve(BYTES) });
    const from = site(server.url, { connections: 1 });
    expect(await read(from, 'a')).toEqual(BYTES);
    expect(await read(from, 'b')).toEqual(BYTES);
  });

  test.each([
    ['a.tar.gz', 'x-gzip'],
    ['setup.bz2', 'x-bzip2'],
    ['setup.zst', 'zstd'],
  ])('an encoding that only says what %s is: no fault', async (path, encoding) => {
    const server = await startServer({
      [`/${path}`]: fault.serve(BYTES, { headers: { 'content-encoding': encoding } }),
    });
    expect(await read(site(server.url), path)).toEqual(BYTES);
  });

  test.each(['binary', 'aws-chunked', 'x-xz', 'gzip, gzip', 'br'])(
    'an encoding that is no more than a label: %s',
    async (encoding) => {
      const server = await startServer({ '/a.zst': fault.serve(BYTES, { headers: { 'content-encoding': encoding } }) });
      const download = await site(server.url).open('a.zst');
      expect(download.contentEncoding).toBe(encoding);
      expect(await bytesOf(download)).toEqual(BYTES);
    },
  );

  test('a site slower than the least rate is a timeout, which names the rate', async () => {
    const server = await startServer({ '/a': fault.drip(BYTES, 10, 20) });
    const timeouts = { minBytesPerSecond: 5000, rateWindowMs: 200 };
    const error = await fetchError(read(site(server.url, { timeouts }), 'a'));
    expect(error).toMatchObject({ kind: 'timeout', isSlow: true, isTransient: true });
    expect(error.why).toMatch(/^slower than 5000 bytes per second for 0\.2 s after \d+ of 6000 bytes$/);
    expect(error.hint).toContain('--min-rate');
  });

  test.each([
    ['the rate is reached', 1],
    ['there is no least rate', 0],
  ])('a slow site is read to its end if %s', async (_name, minBytesPerSecond) => {
    const server = await startServer({ '/a': fault.drip(BYTES, 200, 10) });
    const timeouts = { minBytesPerSecond, rateWindowMs: 30 };
    expect(await read(site(server.url, { timeouts }), 'a')).toEqual(BYTES);
  });

  test('a slow reader is no slow site', async () => {
    const large = Buffer.alloc(4 * 1024 * 1024, 1);
    const server = await startServer({ '/a': fault.serve(large) });
    const { chunks } = await site(server.url, { timeouts: { minBytesPerSecond: 1e9, rateWindowMs: 60 } }).open('a');
    const iterator = chunks[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await iterator.next()).done).toBe(false);
    await iterator.return?.();
  });

  test('single bytes are held in bounded numbers until they are read', async () => {
    const sent = 200_000;
    const server = await startServer({
      '/a': fault.raw(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n',
        Buffer.from(`${'1\r\nx\r\n'.repeat(sent)}0\r\n\r\n`),
      ),
    });
    const handler = new HttpRequest(TIMEOUTS, undefined);
    const client = new Client(server.url);
    client.dispatch({ path: '/a', method: 'GET' }, handler);
    await handler.head;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(handler.queuedPieces).toBeGreaterThan(1000);
    expect(handler.queuedPieces).toBeLessThan(5000);
    let receivedBytes = 0;
    for (let chunk = await handler.read(); chunk !== undefined; chunk = await handler.read())
      receivedBytes += chunk.length;
    expect(receivedBytes).toBe(sent);
    await client.destroy();
  });

  test.each([
    ['', BYTES.length],
    ['Connection: close\r\n', 600_000],
    ['Connection: close\r\nContent-Length: 600000\r\n', 600_000],
    ['Connection: keep-alive\r\n', 2_000_000],
    ['Connection: keep-alive\r\nContent-Length: 600000\r\n', 600_000],
    ['Connection: keep-alive, close\r\nContent-Length: 600000\r\n', 600_000],
  ])('a connection that is closed while a slow reader waits: %j, %i bytes', async (headers, size) => {
    const server = await startServer({ '/a': fault.raw(`HTTP/1.1 200 OK\r\n${headers}\r\n`, Buffer.alloc(size, 1)) });
    const { chunks } = await site(server.url).open('a');
    await new Promise((resolve) => setTimeout(resolve, 100));
    let receivedBytes = 0;
    for await (const chunk of chunks) receivedBytes += chunk.length;
    expect(receivedBytes).toBe(size);
  });

  test('a body that cannot be paused is held up to a bound', async () => {
    const server = await startServer({ '/a': fault.raw('HTTP/1.1 200 OK\r\n\r\n', Buffer.alloc(80 * 1024 * 1024)) });
    const { chunks } = await site(server.url).open('a');
    await expect.poll(() => server.openConnections, { timeout: 10_000 }).toBe(0);
    const reading = async (): Promise<void> => {
      for await (const _ of chunks);
    };
    expect(await fetchError(reading())).toMatchObject({
      kind: 'reset',
      why: 'more bytes arrived than can be kept until they are read',
    });
  });

  test('a web page by its name is a file', async () => {
    const server = await startServer({ '/index.html': fault.html() });
    expect((await read(site(server.url), 'index.html')).toString()).toContain('log in');
  });

  test('a text that merely begins with `<` is a file', async () => {
    const server = await startServer({
      '/a': fault.serve(Buffer.from('<')),
      '/b': fault.serve(Buffer.from('<?xml version="1.0"?>')),
    });
    const from = site(server.url);
    expect(String(await read(from, 'a'))).toBe('<');
    expect(String(await read(from, 'b'))).toBe('<?xml version="1.0"?>');
  });

  test('a large error page is not read to its end', async () => {
    const server = await startServer({ '/a': fault.status(500, { 'content-length': 10 ** 9 }) });
    const from = site(server.url, { timeouts: SHORT_TIMEOUTS });
    expect((await fetchError(from.open('a'))).kind).toBe('status');
    await server.drained();
  });
});

describe('stopping', () => {
  test('early, in the chunks: the connection is given up', async () => {
    const server = await startServer({ '/a': fault.serve(Buffer.alloc(20_000_000, 'x')) });
    const { chunks } = await site(server.url).open('a');
    for await (const chunk of chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await server.drained();
  });

  test.each<readonly [string, Fault]>([
    ['before an answer', fault.silence()],
    ['in the body', fault.stall(BYTES, 10)],
  ])('by the signal, %s: its reason comes through as it is', async (_name, answer) => {
    const server = await startServer({ '/a': answer });
    const control = new AbortController();
    const reading = rejection(read(site(server.url), 'a', control.signal));
    const reason = { stop: 'please' };
    setTimeout(() => control.abort(reason), 40);
    expect(await reading).toBe(reason);
    await server.drained();
  });

  test('by the signal, when all has come but was not taken', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const control = new AbortController();
    const from = site(server.url);
    const download = await from.open('a', { signal: control.signal });
    await read(from, 'a');
    control.abort('enough');
    expect(await rejection(bytesOf(download))).toBe('enough');
  });

  test('by a signal that was aborted before: nothing is asked', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const reason = new Error('not now');
    expect(await rejection(site(server.url).open('a', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(server.count()).toBe(0);
  });

  test('by closing the site', async () => {
    const server = await startServer({ '/a': fault.stall(BYTES, 10) });
    const from = site(server.url);
    const reading = fetchError(read(from, 'a'));
    await new Promise((resolve) => setTimeout(resolve, 40));
    await from.close();
    expect((await reading).isTransient).toBe(false);
    await server.drained();
    expect((await fetchError(from.open('a'))).why).toBe('the site has been closed');
  });

  test('a signal is left without listeners', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES), '/b': fault.status(500) });
    const from = site(server.url);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    await read(from, 'a', signal);
    await rejection(read(from, 'b', signal));
    await from.close();
    expect(listeners).toBe(0);
  });
});
