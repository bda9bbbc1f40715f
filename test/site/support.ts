import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { FetchError } from '../../src/site/base/fetch-error.ts';
import { openSite } from '../../src/site/open-site.ts';
import type { SiteOptions } from '../../src/site/open-site.ts';
import type { Download, Site } from '../../src/site/base/site.ts';
import { FaultServer } from '../support/fault-server.ts';
import type { FaultServerOptions, Script } from '../support/fault-server.ts';

/** An archive: nothing in it looks like a page. */
export const BYTES = Buffer.from(Array.from({ length: 6_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

export const USER_AGENT = 'cygstrap/0.0.0-test';

/** Short enough for tests, long enough for a busy machine where nothing fails. */
export const SHORT_TIMEOUTS = { headersMs: 250, stallMs: 250, wholeMs: 800 };

/** A server that is gone, and known to hold no connection any more, when the test ends. */
export async function startServer(script: Script, options: FaultServerOptions = {}): Promise<FaultServer> {
  const server = await FaultServer.start(script, options);
  onTestFinished(() => server.close());
  return server;
}

/** A site that is closed when the test ends. */
export function site(address: string, options: Partial<SiteOptions> = {}): Site {
  const opened = openSite(address, { userAgent: USER_AGENT, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

export async function bytesOf(download: Download): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of download.chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Opens a path and reads it to its end. */
export async function read(from: Site, path: string, signal?: AbortSignal): Promise<Buffer> {
  return bytesOf(await from.open(path, signal === undefined ? {} : { signal }));
}

/** What a promise is rejected with; fails the test if it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return expect.unreachable('nothing was thrown');
}

/** The FetchError a promise is rejected with. */
export async function fetchError(promise: Promise<unknown>): Promise<FetchError> {
  const error = await rejection(promise);
  expect(error).toBeInstanceOf(FetchError);
  return error as FetchError;
}

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cygstrap-site-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
