import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';
import { serveDirectory } from '../../src/serve/serve.ts';
import type { RepoServer, ServedRequest } from '../../src/serve/serve.ts';

export const base = mkdtempSync(join(tmpdir(), 'cygstrap-serve-'));
export const repo = join(base, 'repo');
export const LARGE = Buffer.alloc(3_000_000, 'all work and no play ');
export const DATE = new Date('2024-02-03T04:05:06.789Z');

/** Writes a file below the repo, with the time {@link DATE}. */
export function put(path: string, content: string | Buffer): void {
  const target = join(repo, path);
  mkdirSync(join(target, '..'), { recursive: true });
  writeFileSync(target, content);
  utimesSync(target, DATE, DATE);
}

/** The server of the repo, from `beforeAll` on. */
export let server: RepoServer;
/** All requests that the server has logged. */
export const served: ServedRequest[] = [];

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
  server = await serveDirectory(repo, { log: (request) => served.push(request) });
});

afterAll(async () => {
  await server.close();
  rmSync(base, { recursive: true });
});

export interface ReceivedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
  readonly url?: string;
}

/** Sends a request with an unchanged path. */
export function send(
  path: string,
  { method = 'GET', headers = {}, agent, url = server.url }: RequestOptions = {},
): Promise<ReceivedResponse> {
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

/** Writes bytes to a socket and returns everything that the server sends until it closes the connection. */
export function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    buffer(socket).then((bytes) => resolve(bytes.toString('latin1')), reject);
  });
}

/** Sends a GET request with an unchanged target; returns the first 12 characters of the response. */
export const rawGet = async (target: string): Promise<string> =>
  (await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).slice(0, 12);
