import { describe, expect, test } from 'vitest';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { BYTES, setOf, startServer, verified } from './support.ts';

describe('demotion', () => {
  test('a dead site is asked once, then last; a probe brings it back', async () => {
    const dead = await startServer({ '/a': [fault.silence(), fault.silence(), fault.serve(BYTES)] });
    const good = await startServer({ '/a': fault.serve(BYTES) });
    const { set, clock, demoted } = setOf([dead.url, good.url], {
      policy: { probeAfterMs: 1000, longestProbeAfterMs: 3000 },
    });
    const counts = async (): Promise<number[]> => {
      await set.attempt('a', verified);
      return [dead.count(), good.count()];
    };
    expect(await counts()).toEqual([1, 1]);
    expect(demoted()).toEqual([`${dead.url}/`]);
    expect(await counts()).toEqual([1, 2]);
    clock.ms = 999;
    expect(await counts()).toEqual([1, 3]);
    // The probe fails: twice the time until the next.
    clock.ms = 1000;
    expect(await counts()).toEqual([2, 4]);
    clock.ms = 2999;
    expect(await counts()).toEqual([2, 5]);
    clock.ms = 3000;
    expect(await counts()).toEqual([3, 5]);
    expect(await counts()).toEqual([4, 5]);
    expect(demoted()).toEqual([`${dead.url}/`]);
  });

  test('a site that fails now and then is demoted by three failures in a row, of any files', async () => {
    const first = await startServer({ '/a': fault.status(503) });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted, waits } = setOf([first.url, second.url]);
    await set.attempt('a', verified);
    expect([first.count(), second.count(), waits.length]).toEqual([3, 1, 2]);
    expect(demoted()).toEqual([`${first.url}/`]);
    await set.attempt('a', verified);
    expect([first.count(), second.count()]).toEqual([3, 2]);
  });

  test('a success in between forgives', async () => {
    const first = await startServer({
      '/a': [
        fault.status(503),
        fault.status(503),
        fault.serve(BYTES),
        fault.status(503),
        fault.status(503),
        fault.serve(BYTES),
      ],
    });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted } = setOf([first.url, second.url]);
    await set.attempt('a', verified);
    await set.attempt('a', verified);
    expect([first.count(), second.count(), demoted()]).toEqual([6, 0, []]);
  });

  test('a demoted site still serves when the others cannot, and is restored by it', async () => {
    const first = await startServer({ '/a': [fault.wrongBytes(BYTES), fault.serve(BYTES)] });
    const second = await startServer({ '/a': [fault.serve(BYTES), fault.status(404)] });
    const { set } = setOf([first.url, second.url]);
    for (let at = 0; at < 3; at++) await set.attempt('a', verified);
    expect([first.count(), second.count()]).toEqual([3, 2]);
  });

  test('missing files demote only a site that lacks many in a row', async () => {
    const first = await startServer({});
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted } = setOf([first.url, second.url]);
    for (let at = 0; at < 23; at++) await set.attempt('a', verified);
    expect(demoted()).toEqual([]);
    for (let at = 0; at < 10; at++) await set.attempt('a', verified);
    expect(demoted()).toEqual([`${first.url}/`]);
    expect(first.count()).toBe(24);
  });

  test('only one of many transfers probes', async () => {
    const first = await startServer({ '/a': fault.silence() });
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, clock, demoted } = setOf([first.url, second.url], { policy: { probeAfterMs: 1000 } });
    await set.attempt('a', verified);
    clock.ms = 1000;
    await Promise.all(Array.from({ length: 10 }, () => set.attempt('a', verified)));
    expect([first.count(), second.count(), demoted().length]).toEqual([2, 11, 1]);
  });

  test('many transfers at once tell of it once', async () => {
    const dead = await closedAddress();
    const second = await startServer({ '/a': fault.serve(BYTES) });
    const { set, demoted, waits } = setOf([dead, second.url]);
    await Promise.all(Array.from({ length: 10 }, () => set.attempt('a', verified)));
    expect([second.count(), demoted(), waits]).toEqual([10, [`${dead}/`], []]);
  });
});
