import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveRepo } from '../../src/serve/serve.ts';
import type { RepoServer, ServedRequest } from '../../src/serve/serve.ts';

const base = mkdtempSync(join(tmpdir(), 'cygstrap-serve-'));
const repo = join(base, 'repo');
const LARGE = Buffer.alloc(3_000_000, 'all work and no play ');
const DATE = new Date('2024-02-03T04:05:06.789Z');

function put(path: string, content: string | Buffer): void {
  const target = join(repo, path);
  mkdirSync(join(target, '..'), { recursive: true });
  writeFileSync(target, content);
  utimesSync(target, DATE, DATE);
}

let server: RepoServer;
const served: ServedRequest[] = [];

beforeAll(async () => {
  put('x86_64/setup.ini', '# small');
  put('x86_64/setup.xz', 'xz');
  put('x86_64/setup.xz.sig', 'sig');
  put('x86_64/release/gcc/gcc-g++-11.2.0-1~a b.tar.zst', 'zst');
  put('x86_64/release/large.tar.xz', LARGE);
  put('x86_64/release/empty.tar.xz', '');
  put('http%3a%2f%2fmirror.example%2f/x86_64/setup.ini', '# site');
  put('odd/<b>&"\'.txt', 'odd');
  put('.cygstrap/lock', 'secret');
  put('x86_64/.hidden/file', 'secret');
  for (const suffix of ['.part', '.part.json', '.part.cached', '.tmp'])
    put(`x86_64/release/half.tar.xz${suffix}`, 'unverified');
  writeFileSync(join(base, 'outside.txt'), 'secret');
  mkdirSync(join(base, 'repo-beside'));
  writeFileSync(join(base, 'repo-beside/file'), 'secret');
  symlinkSync(join(base, 'outside.txt'), join(repo, 'odd/leak.txt'));
  symlinkSync(base, join(repo, 'odd/up'));
  symlinkSync(join(base, 'repo-beside'), join(repo, 'odd/beside'));
  symlinkSync('.cygstrap', join(repo, 'unhidden'));
  symlinkSync('../x86_64/setup.ini', join(repo, 'odd/inside.ini'));
  symlinkSync('loop', join(repo, 'odd/loop'));
  server = await serveRepo(repo, { log: (request) => served.push(request) });
});

afterAll(async () => {
  await server.close();
  rmSync(base, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
  readonly url?: string;
}

/** Sends the path exactly as it is. */
function ask(path: string, { method = 'GET', headers = {}, agent, url = server.url }: Asking = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    httpRequest(
      {
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        path,
        method,
        headers,
        ...(agent === undefined ? {} : { agent }),
      },
      (response) => {
        buffer(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        );
      },
    )
      .on('error', reject)
      .end();
  });
}

/** Writes bytes to a socket and gives all that comes back until the server ends. */
function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    buffer(socket).then((bytes) => resolve(bytes.toString('latin1')), reject);
  });
}

const rawGet = async (target: string): Promise<string> =>
  (await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).slice(0, 12);

describe('files', () => {
  test('are sent with length, type, date and a strong entity tag', async () => {
    const { status, headers, body } = await ask('/x86_64/setup.ini');
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
    expect((await ask(path, { method: 'HEAD' })).headers['content-type']).toBe(type);
  });

  test('of any size are sent whole', async () => {
    expect((await ask('/x86_64/release/large.tar.xz')).body.equals(LARGE)).toBe(true);
    const empty = await ask('/x86_64/release/empty.tar.xz');
    expect({ status: empty.status, length: empty.headers['content-length'], body: empty.body.length }).toEqual({
      status: 200,
      length: '0',
      body: 0,
    });
  });

  test('HEAD has no body', async () => {
    const [head, get] = [
      await ask('/x86_64/release/large.tar.xz', { method: 'HEAD' }),
      await ask('/x86_64/release/large.tar.xz'),
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
      expect((await ask(path)).body.toString(), path).toBe('zst');
    }
    expect((await ask('/http%253a%252f%252fmirror.example%252f/x86_64/setup.ini')).body.toString()).toBe('# site');
    expect((await ask('/x86_64/release/gcc/gcc-g++-11.2.0-1~a+b.tar.zst')).status).toBe(404);
  });

  test('are not directories', async () => {
    expect((await ask('/x86_64/setup.ini/')).status).toBe(404);
    expect((await ask('/x86_64/setup.ini/x')).status).toBe(404);
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
    ['bytes=3000000-', 416, 0, 0],
    ['bytes=-0', 416, 0, 0],
    ['bytes=7-3', 200, 0, 2_999_999],
    ['bytes=0-1,5-6', 200, 0, 2_999_999],
    ['bytes=-', 200, 0, 2_999_999],
    ['bytes=a-b', 200, 0, 2_999_999],
    ['lines=1-2', 200, 0, 2_999_999],
  ])('%s', async (range, status, start, end) => {
    const answer = await ask(path, { headers: { range } });
    expect(answer.status).toBe(status);
    if (status === 416) expect(answer.headers['content-range']).toBe('bytes */3000000');
    else expect(answer.body.equals(LARGE.subarray(start, end + 1))).toBe(true);
    if (status === 206) expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/3000000`);
  });

  test('an empty file has none', async () => {
    expect((await ask('/x86_64/release/empty.tar.xz', { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  test('are ignored for HEAD', async () => {
    expect((await ask(path, { method: 'HEAD', headers: { range: 'bytes=1-2' } })).headers['content-length']).toBe(
      '3000000',
    );
  });

  test('continue only the same file', async () => {
    const { etag = '', 'last-modified': date = '' } = (await ask(path, { method: 'HEAD' })).headers;
    const statusOf = async (ifRange: string): Promise<number> =>
      (await ask(path, { headers: { range: 'bytes=1-2', 'if-range': ifRange } })).status;
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
    const { 'last-modified': date = '' } = (await ask('/odd/now.bin', { method: 'HEAD' })).headers;
    expect((await ask('/odd/now.bin', { headers: { range: 'bytes=1-2', 'if-range': date } })).status).toBe(200);
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
    const { etag = '' } = (await ask(path, { method: 'HEAD' })).headers;
    const answer = await ask(path, { headers: headersOf(etag) });
    expect(answer.status).toBe(status);
    if (status === 304) {
      expect(answer.headers.etag).toBe(etag);
      expect(answer.body.length).toBe(0);
    }
  });

  test('a replaced file has another entity tag, even with the same size and date', async () => {
    put('odd/a.bin', 'one');
    put('odd/b.bin', 'two');
    const before = await ask('/odd/a.bin');
    rmSync(join(repo, 'odd/a.bin'));
    linkSync(join(repo, 'odd/b.bin'), join(repo, 'odd/a.bin'));
    const after = await ask('/odd/a.bin');
    expect(after.headers['last-modified']).toBe(before.headers['last-modified']);
    expect(after.headers.etag).not.toBe(before.headers.etag);
  });
});

describe('directories', () => {
  test('are HTML pages with escaped, relative links', async () => {
    const { status, headers, body } = await ask('/odd/');
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    const html = body.toString();
    expect(html).toContain('<a href="./%3Cb%3E%26%22&#39;.txt">&#60;b&#62;&#38;&#34;&#39;.txt</a>');
    expect(html).not.toContain('<b>');
    for (const absent of ['inside.ini', 'leak.txt', '"./up', 'beside', 'loop']) expect(html).not.toContain(absent);
  });

  test('link to all served files, and to no hidden ones', async () => {
    const seen: string[] = [];
    const walk = async (path: string): Promise<void> => {
      const { body } = await ask(path);
      for (const [, href = ''] of body.toString().matchAll(/href="(\.\/[^"]*)"/g)) {
        const next = new URL(href.replaceAll('&#39;', "'"), `http://x${path}`).pathname;
        seen.push(next);
        if (next.endsWith('/')) await walk(next);
        else expect((await ask(next)).status, next).toBe(200);
      }
    };
    await walk('/');
    expect(seen).toContain('/x86_64/release/gcc/gcc-g++-11.2.0-1~a%20b.tar.zst');
    expect(seen).toContain('/http%253a%252f%252fmirror.example%252f/x86_64/setup.ini');
    expect(seen.filter((path) => /hidden|cygstrap|half/.test(path))).toEqual([]);
  });

  test('redirect to the address with a slash', async () => {
    const { status, headers } = await ask('//x86_64/release?a=b?c');
    expect({ status, location: headers.location }).toEqual({ status: 301, location: '/x86_64/release/?a=b?c' });
    expect((await ask('//http%253a%252f%252fmirror.example%252f')).headers.location).toBe(
      '/http%253a%252f%252fmirror.example%252f/',
    );
  });
});

describe('rejected requests', () => {
  test.each([
    '/../outside.txt',
    '/x86_64/../../outside.txt',
    '/%2e%2e/outside.txt',
    '/x86_64/%2E%2E/%2e./outside.txt',
    '/..%2foutside.txt',
    '/..%5coutside.txt',
    '/..\\outside.txt',
    '/x86_64%2fsetup.ini',
    '/x86_64/./setup.ini',
    '/setup%00.ini',
    '/%0d%0aX-Evil:%201',
    '/%',
    '/%zz',
    '/%ff',
    '/%c0%ae%c0%ae/outside.txt',
    'x86_64/setup.ini',
    '*',
  ])('GET %s is a bad request', async (target) => {
    expect(await rawGet(target)).toBe('HTTP/1.1 400');
  });

  test.each([
    '/nothing',
    '/%252e%252e/outside.txt',
    '/.cygstrap/lock',
    '/.cygstrap/',
    '/%2ecygstrap/lock',
    '/x86_64/.hidden/file',
    '/x86_64/release/half.tar.xz.part',
    '/x86_64/release/half.tar.xz.part.json',
    '/x86_64/release/half.tar.xz.part.cached',
    '/x86_64/release/half.tar.xz.TMP',
    '/con',
    '/nul.tar.xz',
    '/x86_64/setup.ini::$DATA',
    '/x86_64/setup.ini.',
    '/C:/Windows/win.ini',
  ])('GET %s is not found', async (target) => {
    expect(await rawGet(target)).toBe('HTTP/1.1 404');
  });

  test('a path that is too long', async () => {
    expect(await rawGet(`/${'x'.repeat(5000)}`)).toBe('HTTP/1.1 404');
    expect(await rawGet(`/${'x/'.repeat(3000)}`)).toBe('HTTP/1.1 404');
  });

  test.each([
    ['/odd/leak.txt', 'odd/leak.txt'],
    ['/odd/up/', 'odd/up'],
    ['/odd/up/outside.txt', 'odd/up'],
    ['/odd/beside/file', 'odd/beside'],
    ['/odd/loop', 'odd/loop'],
    ['/odd/inside.ini', 'odd/inside.ini'],
    ['/unhidden/', 'unhidden'],
    ['/unhidden/lock', 'unhidden'],
  ])('GET %s is forbidden: a symbolic link is not followed', async (target, link) => {
    const { status, body } = await ask(target);
    expect(status).toBe(403);
    expect(body.toString()).toBe(`403 forbidden: \`${link}\` is a symbolic link, which is not followed\n`);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s is not allowed', async (method) => {
    const { status, headers } = await ask('/x86_64/setup.ini', { method });
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
  });

  test('malformed requests do not stop the server', async () => {
    expect(await raw('\u0000\u0001 nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect((await ask('/x86_64/setup.xz')).status).toBe(200);
  });
});

describe('connections', () => {
  test('are kept alive', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (const path of ['/x86_64/setup.ini', '/nothing', '/x86_64/', '/x86_64/release/large.tar.xz'])
      await ask(path, { agent });
    agent.destroy();
    expect(sockets.size).toBe(1);
  });

  test('a file that is truncated while it is sent closes the connection, not the server', async () => {
    const size = 64 * 1024 * 1024;
    writeFileSync(join(repo, 'odd/shrinking.bin'), '');
    truncateSync(join(repo, 'odd/shrinking.bin'), size);
    served.length = 0;
    const { hostname, port } = new URL(server.url);
    const outcome = new Promise<string>((resolve) => {
      httpRequest({ hostname, port, path: '/odd/shrinking.bin' }, (response) => {
        truncateSync(join(repo, 'odd/shrinking.bin'), 1000);
        buffer(response).then(
          (body) => resolve(`${body.length} bytes`),
          (error: NodeJS.ErrnoException) => resolve(error.code ?? ''),
        );
      }).end();
    });
    expect(await outcome).toBe('ECONNRESET');
    expect(served).toMatchObject([{ target: '/odd/shrinking.bin', status: 200, isComplete: false, sentBytes: 0 }]);
    expect((await ask('/x86_64/setup.xz')).status).toBe(200);
  });

  test('a disconnected client is reported, and its file is closed', async () => {
    served.length = 0;
    const { hostname, port } = new URL(server.url);
    await new Promise<void>((resolve) => {
      const request = httpRequest({ hostname, port, path: '/odd/shrinking.bin' }, (response) => response.destroy());
      truncateSync(join(repo, 'odd/shrinking.bin'), 64 * 1024 * 1024);
      request
        .on('error', () => {})
        .on('close', resolve)
        .end();
    });
    await expect.poll(() => served).toMatchObject([{ isComplete: false }]);
  });
});

describe('closing', () => {
  test('completes running responses and accepts no more requests', async () => {
    const own = await serveRepo(repo);
    const { hostname, port } = new URL(own.url);
    const agent = new Agent({ keepAlive: true });
    await ask('/x86_64/setup.ini', { agent, url: own.url });
    const { body, closed } = await new Promise<{ body: Promise<Buffer>; closed: Promise<void> }>((resolve, reject) => {
      httpRequest({ hostname, port, path: '/x86_64/release/large.tar.xz', agent }, (response) => {
        const closing = own.close();
        resolve({ body: buffer(response), closed: closing });
      })
        .on('error', reject)
        .end();
    });
    expect((await body).equals(LARGE)).toBe(true);
    const start = Date.now();
    await closed;
    expect(Date.now() - start).toBeLessThan(3000);
    agent.destroy();
    await expect(ask('/', { url: own.url })).rejects.toThrow('ECONNREFUSED');
  });

  test('does not wait forever for a client that does not read', async () => {
    const own = await serveRepo(repo);
    const { hostname, port } = new URL(own.url);
    truncateSync(join(repo, 'odd/shrinking.bin'), 64 * 1024 * 1024);
    const socket = connect(Number(port), hostname);
    socket.write('GET /odd/shrinking.bin HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise<void>((resolve) => socket.once('readable', resolve));
    await own.close(50);
    socket.destroy();
  });
});

describe('the address', () => {
  test('a port in use is an error', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await expect(serveRepo(repo, { port })).rejects.toMatchObject({
      code: 'io',
      message: `cannot listen on 127.0.0.1, port ${port}`,
      hint: expect.stringContaining('another program uses this port'),
    });
    other.close();
  });

  test('a foreign address and a missing directory are errors', async () => {
    await expect(serveRepo(repo, { host: '192.0.2.1' })).rejects.toMatchObject({ code: 'io' });
    await expect(serveRepo(join(base, 'nowhere'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('no such directory'),
    });
    await expect(serveRepo(join(base, 'outside.txt'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('not a directory'),
    });
  });

  test('IPv6', async () => {
    const own = await serveRepo(repo, { host: '::1' }).catch(() => undefined);
    if (own === undefined) return;
    expect(own.url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    expect((await ask('/x86_64/setup.xz', { url: own.url })).status).toBe(200);
    await own.close();
  });
});
