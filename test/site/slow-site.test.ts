import { describe, expect, test } from 'vitest';
import { SiteSet } from '../../src/site/site-set.ts';
import { fault } from '../support/faults.ts';
import { BYTES, fetchError, read, site, startServer } from './support.ts';

describe('a site slower than the least rate', () => {
  const timeouts = { minBytesPerSecond: 5000, rateWindowMs: 100 };

  test('is left after one window, and tried last from then on, without a probe', async () => {
    const slow = await startServer({ '/a': fault.drip(BYTES, 10, 20) });
    const good = await startServer({ '/a': fault.serve(BYTES) });
    const clock = { ms: 0 };
    const demoted: string[] = [];
    const set = new SiteSet(
      [slow, good].map(({ url }) => site(url, { timeouts })),
      { now: () => clock.ms, report: (event) => void (event.kind === 'site-demoted' && demoted.push(event.site)) },
    );
    for (let i = 0; i < 3; i++, clock.ms += 24 * 3600 * 1000)
      expect(await set.attempt('a', (from) => read(from, 'a'))).toEqual(BYTES);
    expect(slow.count()).toBe(1);
    expect(good.count()).toBe(3);
    expect(demoted).toEqual([`${slow.url}/`]);
  });

  test('is still used for a file that no other site has', async () => {
    const slow = await startServer({ '/a': [fault.drip(BYTES, 10, 20), fault.serve(BYTES)] });
    const good = await startServer({});
    const set = new SiteSet(
      [slow, good].map(({ url }) => site(url, { timeouts })),
      { sleep: async () => {} },
    );
    const error = await fetchError(set.attempt('a', (from) => read(from, 'a')));
    expect(error.message).toMatch(/slower than 5000 bytes per second/);
    expect(await set.attempt('a', (from) => read(from, 'a'))).toEqual(BYTES);
    expect(slow.count()).toBe(2);
  });
});
