import { describe, expect, test } from 'vitest';
import { SiteSet } from '../../src/site/site-set.ts';
import { fault } from '../support/faults.ts';
import { BYTES, read, rejection, setOf, site, startServer, verified } from './support.ts';

describe('an abort', () => {
  test('ends many waits at once', async () => {
    const server = await startServer({ '/a': fault.tooMany(50) });
    const control = new AbortController();
    const set = new SiteSet([site(server.url)]);
    const attempts = Array.from({ length: 12 }, () =>
      rejection(set.attempt('a', verified, { signal: control.signal })),
    );
    setTimeout(() => control.abort('enough'), 60);
    expect(new Set(await Promise.all(attempts))).toEqual(new Set(['enough']));
  });

  test('in a wait ends it at once, with its reason as it is', async () => {
    const server = await startServer({ '/a': fault.tooMany(50) });
    const control = new AbortController();
    const reason = { stop: 'please' };
    const set = new SiteSet([site(server.url)], {
      report: (event) => void (event.kind === 'transfer-failed' && queueMicrotask(() => control.abort(reason))),
    });
    expect(await rejection(set.attempt('a', verified, { signal: control.signal }))).toBe(reason);
    expect(server.count()).toBe(1);
  });

  test('in the work is not an error of the site', async () => {
    const server = await startServer({ '/a': fault.silence() });
    const control = new AbortController();
    const { set, events } = setOf([server.url]);
    const reason = new Error('enough');
    setTimeout(() => control.abort(reason), 20);
    const attempt = set.attempt('a', (from) => read(from, 'a', control.signal), { signal: control.signal });
    expect(await rejection(attempt)).toBe(reason);
    expect(events).toEqual([]);
    await server.drained();
  });

  test('before: nothing is asked', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const reason = new Error('not now');
    expect(await rejection(setOf([server.url]).set.attempt('a', verified, { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    expect(server.count()).toBe(0);
  });
});
