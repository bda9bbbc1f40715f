import { expect, test } from 'vitest';
import { outputDecoder } from '../../../src/guest/windows/code-pages.ts';

test.each([
  // Äpfel für 5 ½, as the console of a German Windows writes it.
  ['cp850', '8e7066656c20668172203520ab', 'Äpfel für 5 ½'],
  ['CP437', '809be0e1ff', 'Ç¢αß\u00a0'],
  ['cp852', 'a59fd5', 'ąčŇ'],
  ['cp858', 'd5e1', '€ß'],
  ['cp866', '8fe0a8a2a5e2', 'Привет'],
  ['windows-1252', '80e4', '€ä'],
  ['cp932', '93fa967b', '日本'],
  ['cp936', 'd6d0', '中'],
  ['utf-16le', '3d00ac20', '=€'],
])('%s', (name, hex, text) => {
  const bytes = Buffer.from(hex, 'hex');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = outputDecoder(name);
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].map((piece) => decoder?.decode(piece));
    expect([...pieces, decoder?.end()].join('')).toBe(text);
  }
});

test('the tables of code pages have all 128 characters above ASCII', () => {
  for (const name of ['cp437', 'cp850', 'cp852', 'cp858']) {
    const all = outputDecoder(name)?.decode(Uint8Array.from({ length: 256 }, (_, i) => i)) ?? '';
    expect([...all].length).toBe(256);
    expect(new Set(all).size).toBe(256);
  }
});

test('an incomplete character at the end, and an unknown name', () => {
  const decoder = outputDecoder('shift_jis');
  expect(`${decoder?.decode(Buffer.from([0x41, 0x93]))}${decoder?.end()}`).toBe('A\ufffd');
  expect(outputDecoder('cp9999')).toBeUndefined();
  expect(outputDecoder('constructor')).toBeUndefined();
});
