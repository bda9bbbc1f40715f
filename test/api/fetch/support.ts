import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { fetchFiles } from '../../../src/api/fetch-files.ts';
import type { FetchedFiles } from '../../../src/api/fetch-files.ts';
import type { Event } from '../../../src/events.ts';
import { parseRepoPath } from '../../../src/repo/files/path.ts';
import { Store } from '../../../src/repo/store.ts';
import { openSite } from '../../../src/site/open-site.ts';
import type { SiteOptions } from '../../../src/site/open-site.ts';
import { SiteSet } from '../../../src/site/site-set.ts';

export const PATH = 'x86_64/release/bash/bash-5.2-1.tar.xz';
export const URL_PATH = `/${PATH}`;

export const FAST = { firstDelayMs: 1, longestDelayMs: 2, attemptsPerSite: 3 };

const TIMEOUTS = { connectMs: 500, headersMs: 500, stallMs: 500 };

export interface Outcome extends FetchedFiles {
  readonly root: string;
  readonly target: string;
  readonly events: readonly Event[];
}

/** Bytes without a period, the same in every run. */
export function bytesOf(size: number, seed = 31): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = seed; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** A directory that is removed when the test ends. */
export function tempDir(): string {
  const root = mkdtempSync(join(tmpdir(), 'cygstrap-faults-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Fetches one file with these bytes from sites, in their order, into a repo: by default a new one. */
export async function fetchFrom(
  addresses: readonly string[],
  bytes: Uint8Array,
  options: Partial<SiteOptions> & { readonly root?: string; readonly attempts?: number } = {},
): Promise<Outcome> {
  const { root = tempDir(), attempts = FAST.attemptsPerSite, ...siteOptions } = options;
  const events: Event[] = [];
  const report = (event: Event): void => void events.push(event);
  const sites = new SiteSet(
    addresses.map((address) => openSite(address, { userAgent: 'test', timeouts: TIMEOUTS, ...siteOptions })),
    { policy: { ...FAST, attemptsPerSite: attempts }, report },
  );
  const store = await Store.open(root, { kind: 'flat' });
  try {
    const digest = { algorithm: 'sha512', hex: createHash('sha512').update(bytes).digest('hex') } as const;
    const file = { path: parseRepoPath(PATH), sizeBytes: bytes.length, digest };
    return {
      ...(await fetchFiles(store, [{ file, sites }], { jobs: 4, report })),
      root,
      target: join(root, PATH),
      events,
    };
  } finally {
    await store.close();
    await sites.close();
  }
}

export function expectWhole({ fetched, failed, target }: Outcome, bytes: Uint8Array): void {
  expect(failed).toEqual([]);
  expect(fetched).toHaveLength(1);
  expect(readFileSync(target).equals(bytes)).toBe(true);
}

export function expectNothing({ fetched, failed, target }: Outcome, why: RegExp): void {
  expect(fetched).toEqual([]);
  expect(failed.map((one) => one.why).join()).toMatch(why);
  expect(existsSync(target)).toBe(false);
  const directory = join(target, '..');
  expect(existsSync(directory) ? readdirSync(directory).filter((name) => !name.includes('.part')) : []).toEqual([]);
}
