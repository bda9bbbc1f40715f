import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../../src/vm/console.ts';
import { BroadcastQueue } from '../../src/vm/qmp/broadcast-queue.ts';
import { SEED } from '../support/seed.ts';

function linesOf(...chunks: (string | Uint8Array)[]): string[] {
  const cutter = new LineSplitter();
  return [...chunks.flatMap((chunk) => cutter.push(Buffer.from(chunk as string))), ...cutter.end()];
}

describe('the console', () => {
  test.each<[string, string[]]>([
    ['one\r\ntwo\nthree\rfour', ['one', 'two', 'three', 'four']],
    ['\n\n \n', []],
    ['\u001b[1;31mred\u001b[0m\u0007 \u001b]bell\tx\n', ['red bell\tx']],
    ['\u001bc\u001b[2Jclear\n', ['clear']],
    ['näher 日本\n', ['näher 日本']],
  ])('%j', (text, lines) => {
    const got = linesOf(text);
    expect(got).toEqual(lines);
    expect(linesOf(...[...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toEqual(got);
  });

  test('splits a line without an end into pieces', () => {
    expect(linesOf('x'.repeat(10_000)).map((line) => line.length)).toEqual([4096, 4096, 1808]);
  });

  test('any bytes in any chunks give text without control characters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6000 }), fc.nat(), (bytes, at) => {
        const whole = linesOf(bytes);
        expect(whole.every((line) => line.length <= 4096 && !/[\p{Cc}]/u.test(line.replaceAll('\t', '')))).toBe(true);
        const cut = bytes.length === 0 ? 0 : at % bytes.length;
        expect(linesOf(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

describe('a broadcast queue', () => {
  test('sends each reader all later items and the last earlier ones', async () => {
    const feed = new BroadcastQueue<number>({ maxWaiting: 100, replay: 3 });
    for (let n = 1; n <= 20; n++) feed.push(n);
    const early = feed.read();
    feed.push(21);
    const late = feed.read();
    feed.close();
    const all = async (reader: AsyncIterable<number>): Promise<number[]> => {
      const items: number[] = [];
      for await (const item of reader) items.push(item);
      return items;
    };
    expect(await all(early)).toEqual([18, 19, 20, 21]);
    expect(await all(late)).toEqual([19, 20, 21]);
    expect(await all(feed.read())).toEqual([19, 20, 21]);
  });

  test('wakes a waiting reader, and removes one that left', async () => {
    const feed = new BroadcastQueue<string>({ maxWaiting: 2, replay: 0 });
    const reader = feed.read();
    const next = reader.next();
    feed.push('a');
    expect(await next).toEqual({ done: false, value: 'a' });
    for (const item of ['b', 'c', 'd']) feed.push(item);
    expect(await reader.next()).toEqual({ done: false, value: 'c' });
    const waiting = feed.read().next();
    await reader[Symbol.asyncDispose]();
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    feed.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
