import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fetchFiles } from '../../src/api/fetch-files.ts';
import { FetchError } from '../../src/site/base/fetch-error.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import type { Site } from '../../src/site/base/site.ts';
import { bytesOf, fileOf, openStore, temporaryDirectory } from '../repo/support.ts';

const FILES = 12;
const FILE_BYTES = 20_000;

interface Counts {
  now: number;
  most: number;
}

/** A site that gives each file what `content` says, a turn after it was asked, and counts how many it serves at once.
 */
function siteOf(name: string, content: (path: string) => Buffer, counts: Counts): Site {
  return {
    name,
    close: async () => undefined,
    open: async (path) => {
      async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
        counts.now++;
        counts.most = Math.max(counts.most, counts.now);
        await nextTurn();
        counts.now--;
        yield content(path);
      }
      return { kind: 'whole', startByte: 0, totalBytes: FILE_BYTES, validator: undefined, chunks: chunks() };
    },
  };
}

test.each([1, 3])(
  'no more than %i transfers run at a time, even when all files come wrong from the first site',
  async (jobs) => {
    const right = new Map(
      Array.from({ length: FILES }, (_, i) => [`x86_64/release/p${i}/a.tar`, bytesOf(i, FILE_BYTES)]),
    );
    const wrong: Counts = { now: 0, most: 0 };
    const good: Counts = { now: 0, most: 0 };
    const sites = new SiteSet([
      siteOf('wrong', () => Buffer.alloc(FILE_BYTES), wrong),
      siteOf(
        'good',
        (path) => {
          const bytes = right.get(path);
          if (bytes === undefined) throw new FetchError('missing', path, 'not there');
          return bytes;
        },
        good,
      ),
    ]);
    const store = await openStore(temporaryDirectory());
    const wanted = [...right].map(([path, bytes]) => ({ file: fileOf(path, bytes), sites }));
    const { fetched, failed, untried } = await fetchFiles(store, wanted, { jobs, report: () => undefined });
    expect([fetched.length, failed, untried]).toEqual([FILES, [], []]);
    expect(wrong.most + good.most).toBeGreaterThan(0);
    expect(Math.max(wrong.most, good.most)).toBeLessThanOrEqual(jobs);
  },
);

test('the largest files are fetched first', async () => {
  const opened: string[] = [];
  const sizes = [100, 3000, 20, 1000];
  const files = new Map(sizes.map((size, i) => [`x86_64/release/p${i}/a.tar`, bytesOf(i, size)]));
  const site: Site = {
    name: 'site',
    close: async () => undefined,
    open: async (path) => {
      opened.push(path);
      const chunks = (async function* () {
        yield files.get(path) ?? Buffer.alloc(0);
      })();
      return { kind: 'whole', startByte: 0, totalBytes: undefined, validator: undefined, chunks };
    },
  };
  const sites = new SiteSet([site]);
  const store = await openStore(temporaryDirectory());
  const wanted = [...files].map(([path, bytes]) => ({ file: fileOf(path, bytes), sites }));
  await fetchFiles(store, wanted, { jobs: 1, report: () => undefined });
  await store.close();
  expect(opened.map((path) => files.get(path)?.length)).toEqual([3000, 1000, 100, 20]);
});
