import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** How the proxy treats everyone: by the rules, with a status, or by closing the connection. */
export type Treatment = 'forward' | 'close' | number;

export interface ProxyOptions {
  /** `name:password` that it wants. */
  readonly credentials?: string;
  readonly treatment?: Treatment;
}

export interface ProxyServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `METHOD target` of each request. */
  readonly log: readonly string[];
  readonly openConnections: () => number;
}

/** A real proxy on loopback, forwarding and tunnelling, that is gone when the test ends. */
export async function startProxy({ credentials, treatment = 'forward' }: ProxyOptions = {}): Promise<ProxyServer> {
  const log: string[] = [];
  const sockets = new Set<Socket>();
  const statusFor = ({ method, url, headers }: IncomingMessage): number => {
    log.push(`${method} ${url}`);
    const expected = `Basic ${Buffer.from(credentials ?? '').toString('base64')}`;
    if (credentials !== undefined && headers['proxy-authorization'] !== expected) return 407;
    return typeof treatment === 'number' ? treatment : 200;
  };
  const server = createServer((request, response) => {
    const status = statusFor(request);
    if (treatment === 'close') request.socket.destroy();
    else if (status !== 200) response.writeHead(status).end();
    else {
      const { 'proxy-authorization': _mine, connection: _ours, ...headers } = request.headers;
      forward(request.url ?? '', { headers, agent: false }, (answer) =>
        answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)),
      ).end();
    }
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    const status = statusFor(request);
    if (treatment === 'close') client.destroy();
    else if (status !== 200) client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    else {
      const { hostname, port } = new URL(`http://${request.url}`);
      const target = connect(Number(port), hostname, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      target
        .on('error', () => client.destroy())
        .pipe(client)
        .on('close', () => target.destroy())
        .pipe(target);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    openConnections: () => sockets.size,
  };
}
