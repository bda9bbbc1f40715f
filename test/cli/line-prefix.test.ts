import { expect, test } from 'vitest';
import { LinePrefix } from '../../src/cli/terminal/line-prefix.ts';

/** Passes bytes through in pieces that end at the given places. */
function prefixed(text: string | Uint8Array, ...cuts: number[]): string {
  const bytes = Buffer.from(text);
  const lines = new LinePrefix('[1] ');
  const pieces = [0, ...cuts].map((start, i) => lines.push(bytes.subarray(start, cuts[i] ?? bytes.length)));
  return pieces.join('') + lines.end();
}

test('every line has the prefix, wherever the chunks end', () => {
  const text = 'one\n\nzwei ä\nlast';
  const expected = '[1] one\n[1] \n[1] zwei ä\n[1] last\n';
  for (let cut = 0; cut <= Buffer.byteLength(text); cut++) expect(prefixed(text, cut)).toBe(expected);
});

test('an incomplete character at the end is not lost', () => {
  expect(prefixed(Buffer.from([0x61, 0xc3]))).toBe('[1] a\ufffd\n');
  expect(prefixed(Buffer.from([0xe2, 0x82]))).toBe('[1] \ufffd\n');
});

test('no output has no line', () => {
  expect(prefixed('')).toBe('');
});
