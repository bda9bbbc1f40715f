import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadFromSites } from '../../src/api/load-from-sites.ts';
import type { IndexRequest } from '../../src/api/load-from-sites.ts';
import { PROJECT } from '../support/transcript.ts';

const HOUR_MS = 3_600_000;
const START = new Date('2025-01-02T00:00:00Z');

let directory = '';
let server: Server;
let requests: string[];
let address = '';

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kept-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers['if-none-match'] ?? ''}`.trim());
    if (request.headers['if-none-match'] === '"1"') return void response.writeHead(304).end();
    try {
      const bytes = readFileSync(join(PROJECT, 'fixtures/release', request.url ?? ''));
      response.writeHead(200, { etag: '"1"', 'content-length': bytes.length }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  await new Promise((resolve) => void server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

/** Loads the index some milliseconds after the start. Returns the requests for it that the site got. */
async function load(afterMs: number, how: Pick<IndexRequest, 'offline' | 'refresh'> = {}): Promise<string[]> {
  requests = [];
  const { catalog } = await loadFromSites(
    { sites: [address], keyring: [join(PROJECT, 'fixtures/release/key.gpg')], ...how },
    { cacheDirectory: directory, now: () => new Date(START.getTime() + afterMs) },
  );
  expect(catalog.packages.has('openssh')).toBe(true);
  // The signature is requested at the same time as the index.
  return requests.filter((each) => !each.endsWith('.sig'));
}

it('the index of a site is kept, and its site is asked again after an hour', async () => {
  expect(await load(0)).toEqual(['/x86_64/setup.zst']);
  expect(await load(HOUR_MS - 1000)).toEqual([]);
  expect(await load(0, { refresh: true })).toEqual(['/x86_64/setup.zst "1"']);
  expect(await load(HOUR_MS + 1000)).toEqual(['/x86_64/setup.zst "1"']);
  expect(await load(HOUR_MS + 2000)).toEqual([]);
});

it('offline the site is never asked', async () => {
  await expect(load(0, { offline: true })).rejects.toThrow(/no index of `http.*` is kept on this computer/);
  expect(requests).toEqual([]);
  await load(0);
  expect(await load(1000 * HOUR_MS, { offline: true })).toEqual([]);
});
