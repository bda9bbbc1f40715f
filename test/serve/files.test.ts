import { linkSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LARGE, send, put, repo, server } from './support.ts';

describe('files', () => {
  test('are sent with length, type, date and a strong entity tag', async () => {
    const { status, headers, body } = await send('/x86_64/setup.ini');
    expect({ status, body: body.toString() }).toEqual({ status: 200, body: '# small' });
    expect(headers).toMatchObject({
      'content-length': '7',
      'content-type': 'text/plain; charset=utf-8',
      'last-modified': 'Sat, 03 Feb 2024 04:05:06 GMT',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    });
    expect(headers.etag).toMatch(/^"[^"]+"$/);
    expect(headers['content-encoding']).toBeUndefined();
  });

  test.each([
    ['/x86_64/setup.xz', 'application/x-xz'],
    ['/x86_64/setup.xz.sig', 'application/octet-stream'],
    ['/x86_64/release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst', 'application/zstd'],
  ])('%s is of type %s', async (path, type) => {
    expect((await send(path, { method: 'HEAD' })).headers['content-type']).toBe(type);
  });

  test('of any size are sent whole', async () => {
    expect((await send('/x86_64/release/large.tar.xz')).body.equals(LARGE)).toBe(true);
    const empty = await send('/x86_64/release/empty.tar.xz');
    expect({ status: empty.status, length: empty.headers['content-length'], body: empty.body.length }).toEqual({
      status: 200,
      length: '0',
      body: 0,
    });
  });

  test('HEAD has no body', async () => {
    const [head, get] = [
      await send('/x86_64/release/large.tar.xz', { method: 'HEAD' }),
      await send('/x86_64/release/large.tar.xz'),
    ];
    expect(head.body.length).toBe(0);
    const { date: _a, connection: _b, 'keep-alive': _c, ...rest } = head.headers;
    expect(get.headers).toMatchObject(rest);
    expect(head.headers['content-length']).toBe('3000000');
  });

  test('are found in any encoding of their names', async () => {
    for (const path of [
      '/x86_64/release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst',
      '/x86_64/release/gcc/gcc-g%2B%2B-11.2.0-1%7Ea%20b.tar.zst',
      '//x86_64///release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst?x=1',
      `${server.url}x86_64/release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst`,
    ]) {
      expect((await send(path)).body.toString(), path).toBe('zst');
    }
    expect((await send('/http%253a%252f%252fmirror.example%252f/x86_64/setup.ini')).body.toString()).toBe('# site');
    expect((await send('/x86_64/release/gcc/gcc-g++-11.2.0-1~a+b.tar.zst')).status).toBe(404);
  });

  test('are not directories', async () => {
    expect((await send('/x86_64/setup.ini/')).status).toBe(404);
    expect((await send('/x86_64/setup.ini/x')).status).toBe(404);
  });
});

describe('ranges', () => {
  const path = '/x86_64/release/large.tar.xz';
  test.each([
    ['bytes=0-0', 206, 0, 0],
    ['bytes=5-', 206, 5, 2_999_999],
    ['bytes=-7', 206, 2_999_993, 2_999_999],
    ['bytes=-9000000', 206, 0, 2_999_999],
    ['bytes=10-99999999', 206, 10, 2_999_999],
    ['bytes=100000-2000000', 206, 100_000, 2_000_000],
    [`bytes=10-${'9'.repeat(21)}`, 206, 10, 2_999_999],
    [`bytes=${'0'.repeat(30)}7-${'0'.repeat(30)}9`, 206, 7, 9],
    [`bytes=-${'9'.repeat(40)}`, 206, 0, 2_999_999],
    [`bytes=${'9'.repeat(21)}-`, 416, 0, 0],
    [`bytes=${'9'.repeat(40)}-${'9'.repeat(41)}`, 416, 0, 0],
    [`bytes=${'9'.repeat(20)}2-${'9'.repeat(20)}1`, 200, 0, 2_999_999],
    ['bytes=3000000-', 416, 0, 0],
    ['bytes=3000000-3000001', 416, 0, 0],
    ['bytes=-0', 416, 0, 0],
    ['bytes=7-3', 200, 0, 2_999_999],
    ['bytes=0-1,5-6', 200, 0, 2_999_999],
    ['bytes=-', 200, 0, 2_999_999],
    ['bytes=a-b', 200, 0, 2_999_999],
    ['lines=1-2', 200, 0, 2_999_999],
  ])('%s', async (range, status, start, end) => {
    const answer = await send(path, { headers: { range } });
    expect(answer.status).toBe(status);
    if (status === 416) expect(answer.headers['content-range']).toBe('bytes */3000000');
    else expect(answer.body.equals(LARGE.subarray(start, end + 1))).toBe(true);
    if (status === 206) expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/3000000`);
  });

  test('an empty file has none', async () => {
    expect((await send('/x86_64/release/empty.tar.xz', { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  test('are ignored for HEAD', async () => {
    expect((await send(path, { method: 'HEAD', headers: { range: 'bytes=1-2' } })).headers['content-length']).toBe(
      '3000000',
    );
  });

  test('continue only the same file', async () => {
    const { etag = '', 'last-modified': date = '' } = (await send(path, { method: 'HEAD' })).headers;
    const statusOf = async (ifRange: string): Promise<number> =>
      (await send(path, { headers: { range: 'bytes=1-2', 'if-range': ifRange } })).status;
    expect(await statusOf(etag)).toBe(206);
    expect(await statusOf(date)).toBe(206);
    expect(await statusOf(`W/${etag}`)).toBe(200);
    expect(await statusOf('"other"')).toBe(200);
    expect(await statusOf('Sat, 03 Feb 2024 04:05:07 GMT')).toBe(200);
    expect(await statusOf('rubbish')).toBe(200);
  });

  test('ignore the date of a file that changed within the last second', async () => {
    writeFileSync(join(repo, 'odd/now.bin'), 'abcdef');
    const now = new Date(Date.now() + 500);
    utimesSync(join(repo, 'odd/now.bin'), now, now);
    const { 'last-modified': date = '' } = (await send('/odd/now.bin', { method: 'HEAD' })).headers;
    expect((await send('/odd/now.bin', { headers: { range: 'bytes=1-2', 'if-range': date } })).status).toBe(200);
  });
});

describe('conditions', () => {
  const path = '/x86_64/setup.xz';
  test.each<[string, (etag: string) => Record<string, string>, number]>([
    ['the same tag', (etag) => ({ 'if-none-match': etag }), 304],
    ['the same tag, made weak by a proxy', (etag) => ({ 'if-none-match': `"a", W/${etag}` }), 304],
    ['any', () => ({ 'if-none-match': '*' }), 304],
    ['another tag', () => ({ 'if-none-match': '"a"' }), 200],
    [
      'another tag outranks the date',
      () => ({ 'if-none-match': '"a"', 'if-modified-since': 'Sat, 03 Feb 2024 04:05:06 GMT' }),
      200,
    ],
    ['the same date', () => ({ 'if-modified-since': 'Sat, 03 Feb 2024 04:05:06 GMT' }), 304],
    ['an earlier date', () => ({ 'if-modified-since': 'Sat, 03 Feb 2024 04:05:05 GMT' }), 200],
    ['a malformed date', () => ({ 'if-modified-since': '12' }), 200],
    ['must be the same, and is', (etag) => ({ 'if-match': etag, range: 'bytes=0-0' }), 206],
    ['must be the same, and is not', () => ({ 'if-match': '"a"' }), 412],
    ['must not be newer, and is', () => ({ 'if-unmodified-since': 'Sat, 03 Feb 2024 04:05:05 GMT' }), 412],
  ])('%s', async (_name, headersOf, status) => {
    const { etag = '' } = (await send(path, { method: 'HEAD' })).headers;
    const answer = await send(path, { headers: headersOf(etag) });
    expect(answer.status).toBe(status);
    if (status === 304) {
      expect(answer.headers.etag).toBe(etag);
      expect(answer.body.length).toBe(0);
    }
  });

  test('a replaced file has another entity tag, even with the same size and date', async () => {
    put('odd/a.bin', 'one');
    put('odd/b.bin', 'two');
    const before = await send('/odd/a.bin');
    rmSync(join(repo, 'odd/a.bin'));
    linkSync(join(repo, 'odd/b.bin'), join(repo, 'odd/a.bin'));
    const after = await send('/odd/a.bin');
    expect(after.headers['last-modified']).toBe(before.headers['last-modified']);
    expect(after.headers.etag).not.toBe(before.headers.etag);
  });
});

describe('directories', () => {
  test('are HTML pages with escaped, relative links', async () => {
    const { status, headers, body } = await send('/odd/');
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    const html = body.toString();
    expect(html).toContain('<a href="./%3Cb%3E%26%22&#39;.txt">&#60;b&#62;&#38;&#34;&#39;.txt</a>');
    expect(html).not.toContain('<b>');
    for (const absent of ['inside.ini', 'leak.txt', '"./up', 'beside', 'loop']) expect(html).not.toContain(absent);
  });

  test('link to all served files, and to no hidden ones', async () => {
    const seen: string[] = [];
    const walk = async (path: string): Promise<void> => {
      const { body } = await send(path);
      for (const [, href = ''] of body.toString().matchAll(/href="(\.\/[^"]*)"/g)) {
        const next = new URL(href.replaceAll('&#39;', "'"), `http://x${path}`).pathname;
        seen.push(next);
        if (next.endsWith('/')) await walk(next);
        else expect((await send(next)).status, next).toBe(200);
      }
    };
    await walk('/');
    expect(seen).toContain('/x86_64/release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst');
    expect(seen).toContain('/http%253a%252f%252fmirror.example%252f/x86_64/setup.ini');
    expect(seen.filter((path) => /hidden|cygstrap|half/.test(path))).toEqual([]);
  });

  test('redirect to the address with a slash', async () => {
    const { status, headers } = await send('//x86_64/release?a=b?c');
    expect({ status, location: headers.location }).toEqual({ status: 301, location: '/x86_64/release/?a=b?c' });
    expect((await send('//http%253a%252f%252fmirror.example%252f')).headers.location).toBe(
      '/http%253a%252f%252fmirror.example%252f/',
    );
  });
});
