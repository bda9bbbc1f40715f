import { expect, test } from 'vitest';
import { LinePrefix } from '../../src/cli/terminal/line-prefix.ts';

/** Passes bytes through in pieces that end at the given places. */
function prefixed(text: string | Uint8Array, ...cuts: number[]): Buffer {
  const bytes = Buffer.from(text);
  const lines = new LinePrefix('[1] ');
  const pieces = [0, ...cuts].map((start, i) => lines.push(bytes.subarray(start, cuts[i] ?? bytes.length)));
  return Buffer.concat([...pieces, lines.end()]);
}

test('every line has the prefix, wherever the chunks end', () => {
  const text = 'one\n\nzwei ä\nlast';
  const expected = '[1] one\n[1] \n[1] zwei ä\n[1] last\n';
  for (let cut = 0; cut <= Buffer.byteLength(text); cut++) expect(prefixed(text, cut).toString()).toBe(expected);
});

test('bytes of another encoding are passed on', () => {
  const bytes = Buffer.from([0x61, 0xc3, 0x0a, 0x81, 0xff, 0x00, 0x0a, 0xe2, 0x82]);
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(prefixed(bytes, cut).toString('latin1')).toBe('[1] a\xc3\n[1] \x81\xff\x00\n[1] \xe2\x82\n');
});

test('no output has no line', () => {
  expect(prefixed('')).toEqual(Buffer.alloc(0));
});
