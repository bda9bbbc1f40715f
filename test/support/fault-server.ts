import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Fault } from './faults.ts';

/** The responses for each path: one for all requests, or a list used in order, whose last entry repeats. */
export type Script = Readonly<Record<string, Fault | readonly Fault[]>>;

export interface LoggedRequest {
  readonly method: string;
  /** As sent, with escapes and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `1.1` or `2.0`. */
  readonly httpVersion: string;
}

export interface FaultServerOptions {
  /** Serve https with this key and certificate (PEM), and perhaps with other options. */
  readonly tls?: SecureContextOptions & { readonly ALPNProtocols?: string[] };
  /** With `tls`: also offer HTTP/2. Faults that act on the socket are not supported then. */
  readonly http2?: boolean;
}

/** An HTTP server on loopback that fails as scripted and records the requests.
 *
 *      await using server = await FaultServer.start({ '/x': [fault.status(500), fault.serve(bytes)] });
 *      ... openSite(server.url, ...) ...
 *      expect(server.count('/x')).toBe(2);
 *
 *  A path that is not in the script gets a 404 response. */
export class FaultServer {
  /** Without a trailing slash. */
  readonly url: string;
  readonly log: LoggedRequest[] = [];
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #script = new Map<string, Fault[]>();

  private constructor(server: Server, sockets: Set<Socket>, scheme: string) {
    this.#server = server;
    this.#sockets = sockets;
    this.url = `${scheme}://127.0.0.1:${portOf(server)}`;
  }

  static async start(script: Script, { tls, http2 }: FaultServerOptions = {}): Promise<FaultServer> {
    const sockets = new Set<Socket>();
    const requests: { answer: RequestListener } = { answer: () => {} };
    const listener: RequestListener = (request, response) => requests.answer(request, response);
    const server: Server =
      tls === undefined
        ? createServer(listener)
        : http2 === true
          ? createSecureServer({ ...tls, allowHTTP1: true }, listener as never)
          : createHttpsServer(tls, listener);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new FaultServer(server, sockets, tls === undefined ? 'http' : 'https');
    requests.answer = (request, response) => started.#answer(request, response);
    for (const [path, faults] of Object.entries(script)) started.set(path, faults);
    return started;
  }

  /** Replaces the responses of a path. */
  set(path: string, faults: Fault | readonly Fault[]): void {
    this.#script.set(path, typeof faults === 'function' ? [faults] : [...faults]);
  }

  /** Returns the number of requests, for one path or in total. */
  count(path?: string): number {
    return this.log.filter((request) => path === undefined || request.path === path).length;
  }

  /** The number of open client connections. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Waits until clients have closed every connection. Rejects after `timeoutMs` milliseconds. */
  async drained(timeoutMs = 1000): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    while (this.#sockets.size > 0) {
      if (Date.now() > endMs) throw new Error(`${this.#sockets.size} connections are still open`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.log.push({ method: request.method ?? '', path, headers: request.headers, httpVersion: request.httpVersion });
    const faults = this.#script.get(path);
    const fault = (faults?.length ?? 0) > 1 ? faults?.shift() : faults?.[0];
    if (fault === undefined) response.writeHead(404).end('no such path in the script\n');
    else fault(request, response);
  }
}

/** Returns a loopback address without a listener: connections are refused. */
export async function closedAddress(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
