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
    // OVMF, as QEMU logged it.
    [
      '\u001b[2J\u001b[01;01H\u001b[=3h\u001b[2J\u001b[01;01HBdsDxe: loading Boot0003\r\n\u001b[11;01HPress ESC in 5' +
        ' seconds\u001b[11;01HPress ESC in 4 seconds\u001b[0m\u001b[37m\u001b[40m.\u001b[2J@cygstrap ready\r\n',
      ['BdsDxe: loading Boot0003', 'Press ESC in 5 seconds', 'Press ESC in 4 seconds.', '@cygstrap ready'],
    ],
  ])('%j', (text, lines) => {
    const got = linesOf(text);
    expect(got).toEqual(lines);
    expect(linesOf(...[...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toEqual(got);
  });

  test('splits a line without an end into pieces', () => {
    expect(linesOf('x'.repeat(10_000)).map((line) => line.length)).toEqual([4096, 4096, 1808]);
  });

  test('keeps a marker whole after sequences without a line end, whatever their length', () => {
    for (let length = 4060; length < 4110; length++) {
      const noise = '\u001b[0m'.repeat(2000).slice(0, length);
      for (const move of ['', '\u001b[1;1H', '\u001b[2J'])
        expect(linesOf(`${noise}${move}\u001b[37m@cygstrap stage specialize\r\n`).at(-1)).toMatch(
          /@cygstrap stage specialize$/,
        );
    }
  });

  test('shows the text after the last line end, such as a prompt', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('one\r\n\u001b[2J\u001b[01;01HPress any key.'));
    expect(splitter.open()).toBe('Press any key.');
    splitter.push(Buffer.from('.'));
    expect(splitter.open()).toBe('Press any key..');
    splitter.push(Buffer.from('\u001b[1;1H'));
    expect(splitter.open()).toBe('');
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
