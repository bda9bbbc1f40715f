import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { serveMachine } from '../../src/serve/view.ts';
import type { MachineServer, ViewedMachine } from '../../src/serve/view.ts';
import type { ViewState } from '../../src/serve/view/events.ts';

const STATE: ViewState = {
  machine: {
    name: 'a1b2',
    activity: 'install',
    guest: 'stand-in',
    key: 'f00d'.repeat(16),
    startedMs: 1,
    hasScreen: true,
    isControlled: false,
  },
  stages: [],
};

/** Serves a machine until the end of the test. */
export async function viewing(more: Partial<ViewedMachine> = {}): Promise<MachineServer> {
  const server = await serveMachine({
    vnc: null,
    isControlled: false,
    state: async () => STATE,
    async *console(signal) {
      yield { lines: ['booting'], open: 'login: ' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    ...more,
  });
  onTestFinished(() => server.close('closed'));
  return server;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request with exactly these headers. */
export async function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Received> {
  const response = await responseTo(url, headers, method);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Sends a request and returns its response, whose body is not read yet. */
export async function responseTo(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const { hostname, port, origin } = new URL(url);
  // A URL would resolve `..`.
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path: url.slice(origin.length), headers, method, agent: false }, resolve)
      .once('error', reject)
      .end();
  });
}

/** Opens the address of a page as a browser does. */
export async function open(url: string): Promise<{ readonly page: string; readonly cookie: string }> {
  const { status, headers } = await get(url);
  expect(status).toBe(200);
  const [cookie = ''] = (headers['set-cookie']?.[0] ?? '').split(';');
  return { page: new URL('.', url).href, cookie };
}

export function originOf(url: string): string {
  return new URL(url).origin;
}

/** Connects a WebSocket to an address, paused, so that no message is missed; returns the status if it is refused. */
export async function socketTo(url: string, headers: Record<string, string>): Promise<WebSocket | number> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('error', reject);
  });
}

/** Waits for the next event of a socket; lets it continue. */
export async function next(socket: WebSocket, event: 'message' | 'close'): Promise<unknown[]> {
  const received = once(socket, event);
  socket.resume();
  return received;
}

/** A Unix socket that records what its clients send. */
export class ScreenSocket {
  readonly path: string;
  readonly received: Buffer[] = [];
  readonly clients: Socket[] = [];
  readonly #server = createServer((socket) => {
    this.clients.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.received.push(chunk));
    socket.write('RFB 003.008\n');
  });

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'vnc-'));
    this.path = join(directory, 'socket');
    onTestFinished(async () => {
      await this.close();
      rmSync(directory, { recursive: true, force: true });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
    return this;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  bytes(): Buffer {
    return Buffer.concat(this.received);
  }
}

export const HANDSHAKE = Buffer.from('RFB 003.008\n\x01\x01', 'latin1');

export const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 97]);
export const POINTER = Buffer.from([5, 1, 0, 9, 0, 9]);
export const UPDATE_REQUEST = Buffer.from([3, 1, 0, 0, 0, 0, 0, 8, 0, 8]);
