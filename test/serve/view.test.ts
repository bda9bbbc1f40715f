import type { WebSocket } from 'ws';
import { describe, expect, test } from 'vitest';
import {
  HANDSHAKE,
  KEY,
  POINTER,
  ScreenSocket,
  UPDATE_REQUEST,
  get,
  next,
  open,
  originOf,
  responseTo,
  socketTo,
  viewing,
} from './view-support.ts';

describe('the page of a machine', () => {
  test('is on loopback, and its token admits one request', async () => {
    const { url } = await viewing();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\?token=[\w-]{32}$/);
    const first = await get(url);
    expect(first.status).toBe(200);
    expect(first.body).toContain('<title>cygstrap machine</title>');
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^cygstrap-view=[\\w-]{32}; Path=${new URL(url).pathname}; HttpOnly; SameSite=Strict$`),
    );
    expect((await get(url)).status).toBe(403);
    expect((await get(url, { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
  });

  test('of two requests with the token at once, one is admitted', async () => {
    const { url } = await viewing();
    const both = await Promise.all([get(url), get(url)]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 403]);
  });

  test('every response has a strict policy', async () => {
    const { url } = await viewing();
    const { port } = new URL(url);
    for (const address of [url, `http://127.0.0.1:${port}/`]) {
      expect((await get(address)).headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
          `connect-src 'self' ws://127.0.0.1:${port}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
    }
  });

  test('serves its parts, and of noVNC only modules', async () => {
    const { url } = await viewing();
    const { page, cookie } = await open(url);
    const typeOf = async (path: string): Promise<unknown> => {
      const { status, headers } = await get(`${page}${path}`, { cookie });
      return status === 200 ? headers['content-type'] : status;
    };
    const script = 'text/javascript; charset=utf-8';
    expect(await typeOf('')).toBe('text/html; charset=utf-8');
    for (const style of ['base.css', 'page.css']) expect(await typeOf(style)).toBe('text/css; charset=utf-8');
    expect(await typeOf('page.js')).toBe(script);
    expect(await typeOf('novnc/core/rfb.js')).toBe(script);
    expect(await typeOf('novnc/vendor/pako/lib/zlib/inflate.js')).toBe(script);
    for (const path of [
      'page.html',
      'novnc/package.json',
      'novnc/core/',
      'novnc/core/none.js',
      'novnc/core/../../../ws/index.js',
      'novnc/core/%2e%2e/%2e%2e/%2e%2e/ws/index.js',
      'novnc/core/%2e%2e%2f%2e%2e%2fws/x.js',
      'constructor',
      'screen',
    ])
      expect([path, await typeOf(path)]).toEqual([path, 404]);
  });

  test.each<[string, (page: string, cookie: string) => Promise<{ status: number }>]>([
    ['no cookie', (page) => get(page)],
    ['an empty cookie', (page) => get(page, { cookie: 'cygstrap-view=' })],
    ['another cookie', (page) => get(page, { cookie: `cygstrap-view=${'A'.repeat(32)}` })],
    ['another token', (page) => get(`${page}?token=${'A'.repeat(32)}`)],
    ['the path without a token', (page, cookie) => get(new URL('/', page).href, { cookie })],
    ['another path', (page, cookie) => get(new URL('/x/page.js', page).href, { cookie })],
    ['a name as Host', (page, cookie) => get(page, { cookie, host: `localhost:${new URL(page).port}` })],
    ['a foreign name as Host', (page, cookie) => get(page, { cookie, host: 'rebound.example' })],
    ['a Host without the port', (page, cookie) => get(page, { cookie, host: '127.0.0.1' })],
    ['POST', (page, cookie) => get(page, { cookie }, 'POST')],
    ['OPTIONS', (page, cookie) => get(page, { cookie }, 'OPTIONS')],
  ])('403: %s', async (_title, send) => {
    const { page, cookie } = await open((await viewing()).url);
    expect((await send(page, cookie)).status).toBe(403);
    expect((await get(page, { cookie })).status).toBe(200);
  });

  test('a request with a foreign Host does not use up the token', async () => {
    const { url } = await viewing();
    expect((await get(url, { host: 'rebound.example' })).status).toBe(403);
    expect((await get(url)).status).toBe(200);
  });

  test('sends state and console, and tells when the machine has ended', async () => {
    const server = await viewing();
    const { page, cookie } = await open(server.url);
    const response = await responseTo(`${page}events`, { cookie });
    expect(response.headers['content-type']).toBe('text/event-stream');
    let seen = '';
    for await (const chunk of response) {
      seen += String(chunk);
      if (seen.includes('event: console') && seen.includes('event: state') && !seen.includes('event: end'))
        void server.close('ended');
    }
    expect(seen).toContain('event: console\ndata: {"lines":["booting"],"open":"login: "}\n\n');
    expect(seen).toMatch(/event: state\ndata: \{"machine":\{"name":"a1b2",/);
    expect(seen).toMatch(/event: end\ndata: "ended"\n\n$/);
  });

  test('a state that cannot be read ends the events, not the server', async () => {
    const server = await viewing({ state: () => Promise.reject(new Error('the disk failed')) });
    const { page, cookie } = await open(server.url);
    const reading = get(`${page}events`, { cookie });
    await expect(reading).rejects.toThrow('socket hang up');
    expect((await get(page, { cookie })).status).toBe(200);
  });
});

describe('the screen of a machine', () => {
  const connected = async (
    isControlled: boolean,
  ): Promise<{ screen: ScreenSocket; socket: WebSocket; page: string; cookie: string; origin: string }> => {
    const screen = await new ScreenSocket().listen();
    const { url } = await viewing({ vnc: screen.path, isControlled });
    const { page, cookie } = await open(url);
    const origin = originOf(url);
    const socket = await socketTo(`${page}screen`, { cookie, origin });
    if (typeof socket === 'number') throw new Error(`refused: ${socket}`);
    return { screen, socket, page, cookie, origin };
  };

  test.each<[string, (cookie: string, origin: string) => Record<string, string>]>([
    ['without a cookie', (_cookie, origin) => ({ origin })],
    ['without an Origin', (cookie) => ({ cookie })],
    ['of a foreign page', (cookie) => ({ cookie, origin: 'http://rebound.example' })],
    ['of another port', (cookie) => ({ cookie, origin: 'http://127.0.0.1:1' })],
    ['of a file', (cookie) => ({ cookie, origin: 'null' })],
    ['with a foreign Host', (cookie, origin) => ({ cookie, origin, host: 'rebound.example' })],
  ])('403: a WebSocket %s', async (_title, headersOf) => {
    const screen = await new ScreenSocket().listen();
    const { url } = await viewing({ vnc: screen.path });
    const { page, cookie } = await open(url);
    expect(await socketTo(`${page}screen`, headersOf(cookie, originOf(url)))).toBe(403);
    expect(screen.clients).toHaveLength(0);
  });

  test('403: a WebSocket with the token only; it is not used up', async () => {
    const screen = await new ScreenSocket().listen();
    const { url } = await viewing({ vnc: screen.path });
    const origin = originOf(url);
    expect(await socketTo(url, { origin })).toBe(403);
    expect(await socketTo(url.replace('?', 'screen?'), { origin })).toBe(403);
    expect((await get(url)).status).toBe(200);
  });

  test('403: a machine without a screen', async () => {
    const { url } = await viewing();
    const { page, cookie } = await open(url);
    expect(await socketTo(`${page}screen`, { cookie, origin: originOf(url) })).toBe(403);
  });

  test('without control, keys and mouse are dropped on the server', async () => {
    const { screen, socket } = await connected(false);
    for (const message of [HANDSHAKE, KEY, POINTER, UPDATE_REQUEST, KEY, UPDATE_REQUEST]) socket.send(message);
    const expected = Buffer.concat([HANDSHAKE, UPDATE_REQUEST, UPDATE_REQUEST]);
    await expect.poll(() => screen.bytes().length).toBeGreaterThanOrEqual(expected.length);
    expect(screen.bytes()).toEqual(expected);
  });

  test('with control, they arrive', async () => {
    const { screen, socket } = await connected(true);
    const messages = [HANDSHAKE, KEY, POINTER, UPDATE_REQUEST];
    for (const message of messages) socket.send(message);
    await expect.poll(() => screen.bytes()).toEqual(Buffer.concat(messages));
  });

  test('a message of unknown size ends the connection', async () => {
    const { screen, socket } = await connected(false);
    socket.send(Buffer.concat([HANDSHAKE, Buffer.from([99]), KEY]));
    await next(socket, 'close');
    expect(screen.bytes().includes(KEY)).toBe(false);
  });

  test('bytes of the screen reach the page, and both ends close together', async () => {
    const { screen, socket, page, cookie, origin } = await connected(false);
    const [greeting] = (await next(socket, 'message')) as [Buffer];
    expect(greeting.toString()).toBe('RFB 003.008\n');
    screen.clients[0]?.destroy();
    await next(socket, 'close');
    const again = await socketTo(`${page}screen`, { cookie, origin });
    if (typeof again === 'number') throw new Error(`refused: ${again}`);
    await next(again, 'message');
    again.terminate();
    await expect.poll(() => screen.clients.every((client) => client.destroyed)).toBe(true);
  });

  test('a socket that is gone closes the connection, and the page stays', async () => {
    const { screen, page, cookie, origin } = await connected(false);
    await screen.close();
    const socket = await socketTo(`${page}screen`, { cookie, origin });
    if (typeof socket === 'number') throw new Error(`refused: ${socket}`);
    await next(socket, 'close');
    expect((await get(page, { cookie })).status).toBe(200);
  });
});
