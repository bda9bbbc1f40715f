import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { onAbort, untilAborted } from '../../src/io/abort.ts';

describe('onAbort', () => {
  test('many listeners share one event listener, and are called once with the reason', () => {
    const abort = new AbortController();
    const reasons: unknown[] = [];
    const stops = Array.from({ length: 20 }, () => onAbort(abort.signal, (reason) => reasons.push(reason)));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    stops[0]?.();
    abort.abort('stop');
    expect(reasons).toEqual(Array.from({ length: 19 }, () => 'stop'));
  });

  test('no event listener is left after the last one is removed', () => {
    const abort = new AbortController();
    const stops = [onAbort(abort.signal, () => {}), onAbort(abort.signal, () => {})];
    for (const stop of stops) stop();
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  test('an aborted signal calls the listener at once', () => {
    const reasons: unknown[] = [];
    onAbort(AbortSignal.abort('before'), (reason) => reasons.push(reason));
    expect(reasons).toEqual(['before']);
  });
});

describe('untilAborted', () => {
  async function* silentAfter(items: readonly number[]): AsyncGenerator<number, void, undefined> {
    yield* items;
    await new Promise(() => {});
  }

  test('passes items on, then throws the reason while the source is silent', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of untilAborted(silentAfter([1, 2]), abort.signal)) {
        seen.push(item);
        if (item === 2) setImmediate(() => abort.abort(new Error('stop')));
      }
    })();
    await expect(reading).rejects.toThrow('stop');
    expect(seen).toEqual([1, 2]);
  });

  test('closes the source when the caller stops early, and removes its listener', async () => {
    let isClosed = false;
    const source = async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        isClosed = true;
      }
    };
    const abort = new AbortController();
    for await (const item of untilAborted(source(), abort.signal)) {
      expect(item).toBe(1);
      break;
    }
    expect(isClosed).toBe(true);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  test('an aborted signal reads nothing', async () => {
    const items = untilAborted(silentAfter([1]), AbortSignal.abort(new Error('before')));
    await expect(items.next()).rejects.toThrow('before');
  });
});
