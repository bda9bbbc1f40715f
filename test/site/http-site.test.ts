import { describe, expect, test } from 'vitest';
import { MAX_REDIRECTS } from '../../src/site/http/http-site.ts';
import { fault } from '../support/faults.ts';
import type { Fault } from '../support/faults.ts';
import { BYTES, bytesOf, fetchError, read, site, startServer, USER_AGENT } from './support.ts';

describe('a good site', () => {
  test('a file comes whole, with its size and validator', async () => {
    const server = await startServer({
      '/pub/a.tar.xz': fault.serve(BYTES, { etag: '"one"', lastModified: 'Sat, 02 Aug 2025 10:00:00 GMT' }),
    });
    const download = await site(`${server.url}/pub`).open('a.tar.xz');
    expect(download).toMatchObject({ kind: 'whole', startByte: 0, totalBytes: BYTES.length, validator: '"one"' });
    expect(await bytesOf(download)).toEqual(BYTES);
    expect(server.log[0]).toMatchObject({
      method: 'GET',
      headers: { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' },
    });
    expect(server.log[0]?.headers).not.toHaveProperty('range');
  });

  test('a weak ETag is no validator, Last-Modified is', async () => {
    const server = await startServer({
      '/a': fault.serve(BYTES, { etag: 'W/"one"', lastModified: 'Sat, 02 Aug 2025 10:00:00 GMT' }),
      '/b': fault.serve(BYTES, { etag: 'W/"one"' }),
    });
    const from = site(server.url);
    const [a, b] = await Promise.all([from.open('a'), from.open('b')]);
    expect([a.validator, b.validator]).toEqual(['Sat, 02 Aug 2025 10:00:00 GMT', undefined]);
    await Promise.all([bytesOf(a), bytesOf(b)]);
  });

  test('many files take few connections, all closed in the end', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const from = site(server.url, { connections: 3 });
    // One signal for all of them, of which Node must not warn.
    const { signal } = new AbortController();
    const all = await Promise.all(Array.from({ length: 24 }, () => read(from, 'a', signal)));
    expect(all.every((bytes) => bytes.equals(BYTES))).toBe(true);
    expect(server.openConnections).toBeLessThanOrEqual(3);
    await from.close();
    await server.drained();
  });

  test('a slow reader receives a body larger than the buffer', async () => {
    const large = Buffer.alloc(3_000_000, 'some bytes');
    const server = await startServer({ '/a': fault.serve(large) });
    const { chunks } = await site(server.url, { timeouts: { stallMs: 250 } }).open('a');
    const taken: Uint8Array[] = [];
    for await (const chunk of chunks) {
      // Longer than a stall may be, with the connection held back meanwhile.
      if (taken.length === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      taken.push(chunk);
    }
    expect(Buffer.concat(taken).equals(large)).toBe(true);
  });

  test('an empty file is a file', async () => {
    const server = await startServer({ '/a': fault.serve(new Uint8Array()) });
    const download = await site(server.url).open('a');
    expect(download.totalBytes).toBe(0);
    expect(await bytesOf(download)).toHaveLength(0);
  });

  test.each([
    ['release/libstdc++6/libstdc++6-1.tar.xz', '/release/libstdc++6/libstdc++6-1.tar.xz'],
    ['a~b/c d@e.tar.xz', '/a~b/c%20d@e.tar.xz'],
    ['100%/%2e', '/100%25/%252e'],
    ['a?b#c&d=e;f,g', '/a%3Fb%23c&d=e;f,g'],
    ['ä/[x]', '/%C3%A4/%5Bx%5D'],
  ])('the path %s is asked for as %s', async (path, asked) => {
    const server = await startServer({ [asked]: fault.serve(BYTES) });
    expect(await read(site(`${server.url}/`), path)).toEqual(BYTES);
  });

  test.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a/', 'a\\b', 'a\nb', 'a\0', '\ud800'])(
    'the path %j is not asked for',
    async (path) => {
      const server = await startServer({});
      expect(await fetchError(site(server.url).open(path))).toMatchObject({ kind: 'refused', isTransient: false });
      expect(server.count()).toBe(0);
    },
  );
});

describe('conditional requests', () => {
  test.each([
    ['"one"', { etag: '"one"' }, 'if-none-match'],
    ['Sat, 02 Aug 2025 10:00:00 GMT', { lastModified: 'Sat, 02 Aug 2025 10:00:00 GMT' }, 'if-modified-since'],
  ])('an unchanged file (%s) is not sent', async (unlessIs, options, header) => {
    const server = await startServer({ '/a': fault.serve(BYTES, options) });
    const download = await site(server.url).open('a', { unlessIs });
    expect(download).toMatchObject({ kind: 'unchanged', validator: unlessIs });
    expect(await bytesOf(download)).toHaveLength(0);
    expect(server.log[0]?.headers).toHaveProperty(header, unlessIs);
  });

  test('a changed file is sent', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES, { etag: '"two"' }) });
    const download = await site(server.url).open('a', { unlessIs: '"one"' });
    expect(download).toMatchObject({ kind: 'whole', validator: '"two"' });
    expect(await bytesOf(download)).toEqual(BYTES);
  });

  test('304 to an unconditional request is no answer', async () => {
    const server = await startServer({ '/a': fault.status(304) });
    expect(await fetchError(site(server.url).open('a'))).toMatchObject({ kind: 'status', status: 304 });
  });
});

describe('going on with a broken download', () => {
  const half = BYTES.length / 2;
  const etag = '"one"';
  const lastModified = 'Sat, 02 Aug 2025 10:00:00 GMT';

  test.each([
    ['ETag', etag],
    ['Last-Modified', lastModified],
    ['nothing', undefined],
  ])('the rest of a file known by %s', async (_name, validator) => {
    const server = await startServer({ '/a': fault.serve(BYTES, { etag, lastModified }) });
    const download = await site(server.url).open('a', {
      fromByte: half,
      ...(validator !== undefined && { validator }),
    });
    expect(download).toMatchObject({ kind: 'rest', startByte: half, totalBytes: BYTES.length });
    expect(await bytesOf(download)).toEqual(BYTES.subarray(half));
    expect(server.log[0]?.headers).toMatchObject({
      range: `bytes=${half}-`,
      ...(validator !== undefined && { 'if-range': validator }),
    });
  });

  test('a changed file comes whole', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES, { etag: '"two"' }) });
    const download = await site(server.url).open('a', { fromByte: half, validator: etag });
    expect(download).toMatchObject({ kind: 'whole', startByte: 0, validator: '"two"' });
    expect(await bytesOf(download)).toEqual(BYTES);
  });

  test('a site that knows no ranges sends the whole', async () => {
    const server = await startServer({ '/a': fault.ignoredRange(BYTES) });
    const download = await site(server.url).open('a', { fromByte: half, validator: etag });
    expect(download).toMatchObject({ kind: 'whole', startByte: 0 });
    expect(await bytesOf(download)).toEqual(BYTES);
  });

  test('a complete file has an empty rest', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES, { etag }) });
    const download = await site(server.url).open('a', { fromByte: BYTES.length, validator: etag });
    expect(download).toMatchObject({ kind: 'rest', startByte: BYTES.length, totalBytes: BYTES.length });
    expect(await bytesOf(download)).toHaveLength(0);
  });

  test.each<readonly [string, Fault]>([
    ['the file became shorter', fault.ignoredIfRange(BYTES.subarray(0, 100), { etag })],
    ['416 without a length', fault.status(416)],
    ['the file changed, and If-Range is not heeded', fault.ignoredIfRange(BYTES, { etag: '"two"' })],
    ['an earlier range', fault.wrongRange(BYTES, half - 1)],
    ['a later range', fault.wrongRange(BYTES, half + 1)],
    ['less than the rest', fault.wrongRange(BYTES, half, `bytes ${half}-${half + 9}/${BYTES.length}`)],
    ['a range in other units', fault.wrongRange(BYTES, half, `lines ${half}-9/10`)],
    ['a range that ends before it begins', fault.wrongRange(BYTES, half, `bytes ${half}-${half - 1}/${half}`)],
    ['no Content-Range', fault.wrongRange(BYTES, half, '')],
    ['500 for ranges', fault.status(500)],
    ['403 for ranges', fault.status(403)],
    ['a web page for ranges', fault.raw('HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n\r\n')],
  ])('refused: %s', async (_name, answer) => {
    const server = await startServer({ '/a': answer });
    const from = site(server.url);
    expect(await fetchError(from.open('a', { fromByte: half, validator: etag }))).toMatchObject({
      kind: 'range',
      isTransient: true,
    });
    expect(server.count()).toBe(1);
    await from.close();
    await server.drained();
  });

  test.each([
    ['short', 10],
    ['long', -10],
  ] as const)('the announced length does not fit the range: %s', async (_name, missing) => {
    const rest = BYTES.subarray(half);
    const head =
      `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes ${half}-${BYTES.length - 1}/${BYTES.length}\r\n` +
      `Content-Length: ${rest.length - missing}\r\n\r\n`;
    const server = await startServer({ '/a': fault.raw(head, rest) });
    expect((await fetchError(site(server.url).open('a', { fromByte: half }))).kind).toBe('range');
  });

  test('an unrequested range is an error', async () => {
    const server = await startServer({ '/a': fault.wrongRange(BYTES, 0) });
    expect(await fetchError(site(server.url).open('a'))).toMatchObject({ kind: 'status', status: 206 });
  });
});

describe('redirects', () => {
  test('are followed, to other hosts too, with the range', async () => {
    const other = await startServer({ '/there': fault.serve(BYTES) });
    const server = await startServer({
      '/a': fault.redirect('/b', 301),
      '/b': fault.redirect('c', 307),
      '/c': fault.redirect(`${other.url}/there`, 308),
    });
    const download = await site(server.url).open('a', { fromByte: 10 });
    expect(download.kind).toBe('rest');
    expect(await bytesOf(download)).toEqual(BYTES.subarray(10));
    expect([server.count(), other.count()]).toEqual([3, 1]);
  });

  test('credentials go to the site alone', async () => {
    const other = await startServer({ '/there': fault.serve(BYTES) });
    const server = await startServer({
      '/a': fault.redirect('/b'),
      '/b': fault.redirect(other.url.replace('//', '//x:y@') + '/there'),
    });
    const from = site(server.url.replace('//', '//some%40one:p%C3%A4ss@'));
    expect(await read(from, 'a')).toEqual(BYTES);
    const expected = `Basic ${Buffer.from('some@one:päss').toString('base64')}`;
    expect(server.log.map(({ headers }) => headers.authorization)).toEqual([expected, expected]);
    expect(other.log[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each<readonly [string, Fault, number]>([
    ['in a circle', fault.redirect('/b'), 2],
    ['to itself', fault.redirect('/a'), 1],
    ['to nowhere', fault.status(302), 1],
    ['to no address', fault.redirect('http://['), 1],
    ['to a file', fault.redirect('file:///etc/passwd'), 1],
  ])('refused: %s', async (_name, answer, requests) => {
    const server = await startServer({ '/a': answer, '/b': fault.redirect('/a') });
    const from = site(server.url);
    expect(await fetchError(from.open('a'))).toMatchObject({ kind: 'redirect', isTransient: false, status: 302 });
    expect(server.count()).toBe(requests);
    await from.close();
    await server.drained();
  });

  test('too many are given up', async () => {
    const script = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`/${at}`, fault.redirect(`/${at + 1}`)]));
    const server = await startServer(script);
    expect((await fetchError(site(server.url).open('0'))).kind).toBe('redirect');
    expect(server.count()).toBe(MAX_REDIRECTS + 1);
  });
});
