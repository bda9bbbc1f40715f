import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSite } from '../../src/site/open-site.ts';
import type { SiteOptions } from '../../src/site/open-site.ts';
import type { Site } from '../../src/site/base/site.ts';

let server: Server;
let site: Site;
/** Of all connections so far. */
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  server = createServer((_, response) => response.end('content'));
  server.on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await site.close();
  await new Promise((resolve) => server.close(resolve));
});

function open(options: Partial<SiteOptions> = {}): Site {
  const { port } = server.address() as AddressInfo;
  site = openSite(`http://127.0.0.1:${port}`, { userAgent: 'test', ...options });
  return site;
}

async function connected(count: number): Promise<void> {
  while (sockets.length < count) await once(server, 'connection');
}

async function read(path: string): Promise<string> {
  const { chunks } = await site.open(path);
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  return text;
}

test('requests use the connections that were opened ahead', async () => {
  open().connectAhead?.(3);
  await connected(3);
  expect(await Promise.all(['a', 'b', 'c'].map(read))).toEqual(['content', 'content', 'content']);
  expect(sockets).toHaveLength(3);
});

test('requests use them before they are open', async () => {
  open().connectAhead?.(2);
  expect(await Promise.all(['a', 'b'].map(read))).toEqual(['content', 'content']);
  expect(sockets).toHaveLength(2);
});

test('no more are opened than the site may have', async () => {
  open({ connections: 2 }).connectAhead?.(16);
  await connected(2);
  await Promise.all(['a', 'b', 'c', 'd'].map(read));
  expect(sockets).toHaveLength(2);
});

test('one that the server has closed is replaced', async () => {
  open().connectAhead?.(1);
  await connected(1);
  const [socket] = sockets;
  socket?.end().resume();
  // Our side closes it, too, when it has the end.
  if (socket?.closed === false) await once(socket, 'close');
  expect(await read('a')).toBe('content');
  expect(sockets).toHaveLength(2);
});

test('closing the site closes them', async () => {
  open().connectAhead?.(2);
  await connected(2);
  await site.close();
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close');
  expect(sockets.every((socket) => socket.destroyed)).toBe(true);
});

test('a failure is that of the request', async () => {
  open();
  await new Promise((resolve) => server.close(resolve));
  site.connectAhead?.(1);
  await expect(site.open('a')).rejects.toMatchObject({ kind: 'connect', why: 'connection refused' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
