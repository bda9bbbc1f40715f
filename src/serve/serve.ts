import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CygstrapError } from '../errors.ts';
import { close, listen } from './listen.ts';
import { plain, respond } from './respond.ts';
import type { Content } from './respond.ts';
import { SmallFiles } from './small-files.ts';

/** One request that was answered or aborted. */
export interface ServedRequest {
  readonly method: string;
  /** The target as sent: untrusted text. */
  readonly target: string;
  readonly status: number;
  /** Size of the body; 0 for an aborted response. */
  readonly sentBytes: number;
  readonly durationMs: number;
  /** Whether the response was sent completely. */
  readonly isComplete: boolean;
}

export interface ServeOptions {
  /** Name or address to listen on. Default: loopback only. */
  readonly host?: string;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** Names in the root of the server that stand for directories in `dir`, such as those of sites. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Called after each request. Must not throw. */
  readonly log?: (request: ServedRequest) => void;
}

export interface RepoServer {
  /** Ends with a slash. */
  readonly url: string;
  /** Stops accepting connections, waits `graceMs` for running responses, then closes all connections. */
  close(graceMs?: number): Promise<void>;
}

/** How long a connection can be idle, within a response or between requests. */
const SILENCE_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;

/** Serves a directory over HTTP as a mirror does: GET and HEAD, single ranges, conditions (RFC 9110), directories as
 *  HTML pages. Everyone who can connect can read everything below `dir`, except dot files, files that are still being
 *  written (`*.part`, `*.tmp`) and symbolic links. A file can be replaced while it is sent: the old file is sent to
 *  its end.
 *  Throws `not-found` if `dir` is not a directory, and `io` if the address cannot be bound. */
export async function serveDirectory(dir: string, options: ServeOptions = {}): Promise<RepoServer> {
  const { host = '127.0.0.1', port = 0, aliases = new Map<string, string>() } = options;
  const content: Content = { root: await rootOf(dir), aliases, small: new SmallFiles() };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void handle(content, request, response, options);
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
  });
  server.setTimeout(SILENCE_MS);
  return { url: await listen(server, host, port), close: (graceMs) => close(server, graceMs) };
}

async function rootOf(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if ((await stat(root)).isDirectory()) return root;
  } catch (cause) {
    throw new CygstrapError('not-found', `no such directory: \`${dir}\``, {
      hint: 'fill a repo with `cygstrap fetch --repo DIR`',
      cause,
    });
  }
  throw new CygstrapError('not-found', `not a directory: \`${dir}\``, { hint: 'name the directory of a repo' });
}

async function handle(
  content: Content,
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
    await respond(content, request, response);
  } catch {
    // The client disconnected or the disk failed. After the head, only closing the connection can signal that.
    if (response.headersSent || response.destroyed) response.destroy();
    else {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      plain(response, 500);
    }
  }
}
