import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CygstrapError } from '../errors.ts';
import { answer, plain } from './answer.ts';

/** One request that was answered, or broken off. */
export interface ServedRequest {
  readonly method: string;
  /** As sent; from outside. */
  readonly target: string;
  readonly status: number;
  /** Of the body; 0 when the answer broke off. */
  readonly sentBytes: number;
  readonly durationMs: number;
  /** Whether the reader got the answer to its end. */
  readonly isComplete: boolean;
}

export interface ServeOptions {
  /** Name or address to listen on; by default loopback only. */
  readonly host?: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Told of each request after its answer. Must not throw. */
  readonly log?: (request: ServedRequest) => void;
}

export interface RepoServer {
  /** With a slash at its end. */
  readonly url: string;
  /** Takes no new connections, lets answers under way end for `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** How long a connection may be silent, in an answer or before the next request. */
const SILENCE_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;
const GRACE_MS = 5000;

/** Serves a directory over HTTP as a mirror does: GET and HEAD, single ranges, conditions (RFC 9110), directories as pages.
 *  Everything below `dir` is readable for everybody who can connect, except names that start with a dot, files still being
 *  written (`*.part`, `*.tmp`) and symbolic links. A file may be replaced while it is sent: the old one is sent to its end.
 *  Throws `not-found` without such a directory and `io` when nobody can listen there. */
export async function serveRepo(dir: string, options: ServeOptions = {}): Promise<RepoServer> {
  const { host = '127.0.0.1', port = 0 } = options;
  const root = await rootOf(dir);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void handle(root, request, response, options);
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
  });
  server.setTimeout(SILENCE_MS);
  await listen(server, host, port);
  return { url: urlOf(host, server.address() as AddressInfo), close: (graceMs = GRACE_MS) => close(server, graceMs) };
}

async function rootOf(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if ((await stat(root)).isDirectory()) return root;
  } catch (cause) {
    throw new CygstrapError('not-found', `no such directory: \`${dir}\``, { cause });
  }
  throw new CygstrapError('not-found', `not a directory: \`${dir}\``);
}

async function handle(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  { log }: ServeOptions,
): Promise<void> {
  const start = Date.now();
  response.once('close', () => {
    const { method = '', url = '' } = request;
    const isComplete = response.writableFinished;
    const hasBody = isComplete && method !== 'HEAD' && response.statusCode !== 304;
    const sentBytes = hasBody ? Number(response.getHeader('Content-Length') ?? 0) : 0;
    log?.({ method, target: url, status: response.statusCode, sentBytes, durationMs: Date.now() - start, isComplete });
  });
  try {
    await answer(root, request, response);
  } catch {
    // The reader went away, or the disk failed. After the head only the end of the connection can tell.
    if (response.headersSent || response.destroyed) response.destroy();
    else {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      plain(response, 500);
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? { hint: 'another program listens there; take another port, or 0 for any free one' }
          : {};
      reject(new CygstrapError('io', `cannot listen on ${host}, port ${port}`, { cause, ...hint }));
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.removeAllListeners('error');
      // Such as too many open files: the connection is lost, the server goes on.
      server.on('error', () => {});
      resolve();
    });
  });
}

function urlOf(host: string, { port }: AddressInfo): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

async function close(server: Server, graceMs: number): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearTimeout(timer);
  }
}
