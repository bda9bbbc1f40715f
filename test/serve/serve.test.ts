import { truncateSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { serveDirectory } from '../../src/serve/serve.ts';
import { LARGE, send, base, raw, rawGet, repo, served, server } from './support.ts';

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
    const { status, body } = await send(target);
    expect(status).toBe(403);
    expect(body.toString()).toBe(`403 forbidden: \`${link}\` is a symbolic link, which is not followed\n`);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s is not allowed', async (method) => {
    const { status, headers } = await send('/x86_64/setup.ini', { method });
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
  });

  test('malformed requests do not stop the server', async () => {
    expect(await raw('\u0000\u0001 nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect((await send('/x86_64/setup.xz')).status).toBe(200);
  });
});

describe('connections', () => {
  test('are kept alive', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (const path of ['/x86_64/setup.ini', '/nothing', '/x86_64/', '/x86_64/release/large.tar.xz'])
      await send(path, { agent });
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
    expect((await send('/x86_64/setup.xz')).status).toBe(200);
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
    const own = await serveDirectory(repo);
    const { hostname, port } = new URL(own.url);
    const agent = new Agent({ keepAlive: true });
    await send('/x86_64/setup.ini', { agent, url: own.url });
    const { body, closed } = await new Promise<{ body: Promise<Buffer>; closed: Promise<void> }>((resolve, reject) => {
      httpRequest({ hostname, port, path: '/x86_64/release/large.tar.xz', agent }, (response) => {
        // With this grace period the test times out if the idle connection is not closed.
        const closing = own.close(600_000);
        resolve({ body: buffer(response), closed: closing });
      })
        .on('error', reject)
        .end();
    });
    expect((await body).equals(LARGE)).toBe(true);
    await closed;
    agent.destroy();
    await expect(send('/', { url: own.url })).rejects.toThrow('ECONNREFUSED');
  });

  test('does not wait forever for a client that does not read', async () => {
    const own = await serveDirectory(repo);
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
    await expect(serveDirectory(repo, { port })).rejects.toMatchObject({
      code: 'io',
      message: `cannot listen on 127.0.0.1, port ${port}`,
      hint: expect.stringContaining('another program uses this port'),
    });
    other.close();
  });

  test('a foreign address and a missing directory are errors', async () => {
    await expect(serveDirectory(repo, { host: '192.0.2.1' })).rejects.toMatchObject({ code: 'io' });
    await expect(serveDirectory(join(base, 'nowhere'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('no such directory'),
    });
    await expect(serveDirectory(join(base, 'outside.txt'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('not a directory'),
    });
  });

  test('IPv6', async () => {
    const own = await serveDirectory(repo, { host: '::1' }).catch(() => undefined);
    if (own === undefined) return;
    expect(own.url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    expect((await send('/x86_64/setup.xz', { url: own.url })).status).toBe(200);
    await own.close();
  });
});
