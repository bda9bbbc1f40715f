import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { CygstrapError } from '../../src/errors.ts';
import type { Event } from '../../src/events.ts';
import { FetchError } from '../../src/site/base/fetch-error.ts';
import { openSite } from '../../src/site/open-site.ts';
import type { SiteOptions } from '../../src/site/open-site.ts';
import type { Download, Site } from '../../src/site/base/site.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import type { SiteSetOptions, Work } from '../../src/site/site-set.ts';
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

const DIGEST = digestOf(BYTES);

function digestOf(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

/** Reads `a` and verifies it, as the store does. */
export const verified: Work<Buffer> = async (from) => {
  const bytes = await read(from, 'a');
  if (bytes.length !== BYTES.length)
    throw new CygstrapError('verify', `size differs: expected ${BYTES.length}, found ${bytes.length}`);
  if (digestOf(bytes) !== DIGEST) throw new CygstrapError('verify', 'sha512 differs');
  return bytes;
};

/** A set over addresses that records its waits and events instead of waiting; `clock.ms` is its time. */
export function setOf(addresses: readonly string[], options: SiteSetOptions = {}) {
  const events: Event[] = [];
  const waits: number[] = [];
  const clock = { ms: 0 };
  const sites = addresses.map((address) => site(address, { timeouts: SHORT_TIMEOUTS }));
  const set = new SiteSet(sites, {
    report: (event) => events.push(event),
    sleep: async (delayMs) => waits.push(delayMs),
    random: () => 0.5,
    now: () => clock.ms,
    ...options,
  });
  return {
    set,
    sites,
    events,
    waits,
    clock,
    demoted: () => events.flatMap((event) => (event.kind === 'site-demoted' ? [event.site] : [])),
  };
}
