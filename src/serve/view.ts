import { realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, createWebSocketStream } from 'ws';
import type { WebSocket } from 'ws';
import { closeFile, find, readPart } from './files.ts';
import { close, listen } from './listen.ts';
import { parseTarget } from './path.ts';
import { plain } from './respond.ts';
import { Access } from './view/access.ts';
import { sendEvents } from './view/events.ts';
import type { ViewEnd, ViewSource } from './view/events.ts';
import { ReadOnlyFilter } from './view/read-only.ts';

/** A machine to show. */
export interface ViewedMachine extends ViewSource {
  /** Unix socket of its VNC server; null for a machine without a screen. */
  readonly vnc: string | null;
  /** Whether the page can send keys and mouse. */
  readonly isControlled: boolean;
}

export interface MachineServer {
  /** Address of the page, for one browser: the first that opens it. */
  readonly url: string;
  /** Sends the reason to the page, and closes all connections. */
  close(reason: ViewEnd): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const LONGEST_MESSAGE_BYTES = 1024 * 1024;
const CLOSE_GRACE_MS = 500;

/** Files of the page, by their path in the address; below `src`. */
const ASSETS = {
  '': { file: 'serve/view/page/page.html', type: 'text/html; charset=utf-8' },
  'base.css': { file: 'page/base.css', type: 'text/css; charset=utf-8' },
  'page.css': { file: 'serve/view/page/page.css', type: 'text/css; charset=utf-8' },
  'page.js': { file: 'serve/view/page/page.js', type: 'text/javascript; charset=utf-8' },
} as const;

/** Directories of the package noVNC that the page needs. */
const VIEWER = /^novnc\/((?:core|vendor)\/.+\.js)$/;

/** Serves a page on loopback that shows a machine live: its screen by VNC, its console and the stages. The address
 *  contains a token that admits the first request; that browser gets a cookie, and everything else is refused with
 *  403. Throws `io` if no port can be bound. */
export async function serveMachine(machine: ViewedMachine): Promise<MachineServer> {
  const stop = new AbortController();
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LONGEST_MESSAGE_BYTES, perMessageDeflate: false });
  const access = new Access(await listen(server, LOOPBACK, 0));
  server.on('request', (request, response) => {
    respond(machine, access, { request, response, stop: stop.signal }).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const { vnc, isControlled } = machine;
    if (vnc === null || access.admitSocket(request)?.path !== 'screen') return refuse(socket);
    sockets.handleUpgrade(request, socket, head, (client) => void show(client, { vnc, isControlled }));
  });
  return {
    url: access.url,
    async close(reason) {
      stop.abort(reason);
      for (const client of sockets.clients) client.terminate();
      await close(server, CLOSE_GRACE_MS);
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly stop: AbortSignal;
}

async function respond(machine: ViewedMachine, access: Access, { request, response, stop }: Exchange): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Content-Security-Policy', policyOf(access));
  if (request.method !== 'GET') {
    response.setHeader('Connection', 'close');
    return plain(response, 403);
  }
  const admission = access.admit(request);
  if (admission === undefined)
    return plain(
      response,
      403,
      'an address is valid for the browser that opens it first; run `cygstrap vm view` again',
    );
  const { path, setCookie } = admission;
  if (setCookie !== undefined) response.setHeader('Set-Cookie', setCookie);
  if (path === 'events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    return sendEvents(machine, response, stop);
  }
  const asset = Object.hasOwn(ASSETS, path) ? ASSETS[path as keyof typeof ASSETS] : undefined;
  if (asset !== undefined) return sendFile(response, { ...asset, root: sourceDirectory() });
  const [, module] = VIEWER.exec(path) ?? [];
  if (module === undefined) return plain(response, 404);
  return sendFile(response, { root: viewerDirectory(), file: module, type: ASSETS['page.js'].type });
}

/** Only files of this server; images in data addresses are parts of the screen that QEMU sends as JPEG. */
function policyOf({ origin }: Access): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${origin.replace('http', 'ws')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

interface ServedFile {
  readonly root: string;
  /** Relative to the root. */
  readonly file: string;
  readonly type: string;
}

function sendFile(response: ServerResponse, { root, file, type }: ServedFile): void {
  const target = parseTarget(`/${file}`);
  const found = target.kind === 'refused' ? target : find(root, target.names);
  if (found.kind !== 'file') return plain(response, 404);
  try {
    const bytes = readPart(found.file, 0, found.file.state.sizeBytes);
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
  } finally {
    closeFile(found.file);
  }
}

function sourceDirectory(): string {
  return realpathSync(fileURLToPath(new URL('../../src', import.meta.url)));
}

/** Returns the directory of the installed package noVNC, whose entry is `core/rfb.js`. */
function viewerDirectory(): string {
  return realpathSync(dirname(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc')))));
}

function refuse(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

/** Connects a client with the VNC server. Both end together. */
async function show(client: WebSocket, { vnc, isControlled }: { vnc: string; isControlled: boolean }): Promise<void> {
  const screen = connect(vnc);
  const viewer = createWebSocketStream(client);
  const filter = isControlled ? undefined : new ReadOnlyFilter();
  const toScreen = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield filter?.push(chunk) ?? chunk;
  };
  // A screen that is gone, a client that disconnects, a message that is refused: the page connects again.
  await Promise.allSettled([pipeline(viewer, toScreen, screen), pipeline(screen, viewer)]);
  screen.destroy();
  client.terminate();
}
