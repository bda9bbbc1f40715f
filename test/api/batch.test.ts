import { describe, expect, test } from 'vitest';
import { readLines } from '../../src/io/lines.ts';
import { parseRequest } from '../../src/api/request.ts';
import { EMPTY_REQUEST } from '../../src/core/resolve/request.ts';

async function linesOf(chunks: readonly Uint8Array[], longestBytes?: number): Promise<(string | undefined)[]> {
  async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* chunks;
  }
  const texts: (string | undefined)[] = [];
  let expected = 1;
  for await (const { number, text } of readLines(source(), longestBytes)) {
    expect(number).toBe(expected++);
    texts.push(text);
  }
  return texts;
}

describe('lines', () => {
  const bytes = new TextEncoder().encode('one\n\nzwei ü\n☃ without newline');

  test('agree however the bytes are cut', async () => {
    const whole = await linesOf([bytes]);
    expect(whole).toEqual(['one', '', 'zwei ü', '☃ without newline']);
    expect(await linesOf([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(await linesOf([bytes.slice(0, cut), bytes.slice(cut)])).toEqual(whole);
  });

  test('that are too long are given up, and the next one is read', async () => {
    const long = new TextEncoder().encode(`${'x'.repeat(50)}\nok\n`);
    expect(await linesOf([long], 20)).toEqual([undefined, 'ok']);
    expect(
      await linesOf(
        [...long].map((byte) => Uint8Array.of(byte)),
        20,
      ),
    ).toEqual([undefined, 'ok']);
  });

  test('end with LF or CR LF, however the bytes are cut', async () => {
    const windows = new TextEncoder().encode('one\r\n\r\nin\rside\r\nlast\r');
    const lines = ['one', '', 'in\rside', 'last'];
    expect(await linesOf([windows])).toEqual(lines);
    expect(await linesOf([...windows].map((byte) => Uint8Array.of(byte)))).toEqual(lines);
  });

  test('that end inside a character of UTF-8 show that something is missing', async () => {
    expect(await linesOf([Uint8Array.of(97, 0xe2, 0x98), Uint8Array.of(10, 98, 0xe2)])).toEqual(['a\ufffd', 'b\ufffd']);
  });

  test('a byte order mark counts as text except before the first line', async () => {
    const marked = new TextEncoder().encode('\ufeffone\n\ufefftwo\n');
    expect(await linesOf([marked])).toEqual(['one', '\ufefftwo']);
    expect(await linesOf([...marked].map((byte) => Uint8Array.of(byte)))).toEqual(['one', '\ufefftwo']);
  });

  test('of nothing', async () => {
    expect(await linesOf([])).toEqual([]);
    expect(await linesOf([new Uint8Array()])).toEqual([]);
  });

  test('may use their chunks again', async () => {
    const buffer = new Uint8Array(2);
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (const pair of ['ab', 'c\n']) {
        buffer.set(new TextEncoder().encode(pair));
        yield buffer;
      }
    }
    const texts = [];
    for await (const { text } of readLines(source())) texts.push(text);
    expect(texts).toEqual(['abc']);
  });
});

describe('a request line', () => {
  const defaults = { ...EMPTY_REQUEST, test: true, windows: '6.3.9600' };

  test('uses the defaults for missing fields', () => {
    expect(parseRequest('{"packages":["a","b=1-1"],"base":false}', defaults)).toEqual({
      kind: 'request',
      request: { ...defaults, packages: ['a', 'b=1-1'], base: false },
    });
    expect(parseRequest('{}', defaults)).toEqual({ kind: 'request', request: defaults });
  });

  test.each([
    ['', 'JSON object'],
    ['{', 'JSON object'],
    ['null', 'JSON object'],
    ['[]', 'JSON object'],
    ['"vim"', 'JSON object'],
    ['{"__proto__":{}}', 'unknown field "__proto__"'],
    ['{"package":["vim"]}', 'unknown field "package"'],
    ['{"packages":"vim"}', 'packages must be a list of strings'],
    ['{"packages":[1.0]}', 'packages must be a list of strings'],
    ['{"packages":[""]}', 'packages must be a list of strings'],
    ['{"categories":null}', 'categories must be a list of strings'],
    ['{"buildDepends":{}}', 'buildDepends must be a list of strings'],
    ['{"test":"yes"}', 'test must be true or false'],
    ['{"base":0}', 'base must be true or false'],
    ['{"windows":"10"}', 'windows must be a version'],
    ['{"windows":10.0}', 'windows must be a version'],
    ['{"installed":[]}', 'unknown field "installed"'],
  ])('%s is a fault', (text, message) => {
    const parsed = parseRequest(text, defaults);
    expect(parsed).toEqual({ kind: 'fault', message: expect.stringContaining(message) });
  });
});
