import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { ParseError } from '../../src/core/setup-ini/diagnostics.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import { attack } from './support.ts';

const INDEX = readFileSync(new URL('../../fixtures/demo/setup.ini', import.meta.url), 'latin1');

/** A change of the text at a place: cut it there, drop a part, insert a part, or repeat one. */
const change = fc.record({
  at: fc.nat({ max: INDEX.length }),
  length: fc.nat({ max: 400 }),
  insert: fc.oneof(
    fc.constantFrom('\n', '\n\n', '"', '@ ', '[prev]\n', 'install: ', ',', '(', '\0', '\r\n', '\u00ff'),
    fc.string({ unit: 'binary', maxLength: 20 }),
  ),
  how: fc.constantFrom('cut', 'drop', 'insert', 'repeat'),
});

function changed(text: string, { at, length, insert, how }: typeof change extends fc.Arbitrary<infer T> ? T : never) {
  const part = text.slice(at, at + length);
  const rest = {
    cut: '',
    drop: text.slice(at + length),
    insert: insert + text.slice(at),
    repeat: part + text.slice(at),
  };
  return text.slice(0, at) + rest[how];
}

attack(
  'an index that was cut, or of which parts were dropped, repeated or inserted',
  'all its records, or an error with the lines',
  { count: 3000, from: fc.array(change, { minLength: 1, maxLength: 4 }) },
  (changes) => {
    const text = changes.reduce(changed, INDEX);
    try {
      const { records } = parseText(text, { file: 'setup.ini' });
      expect(records.length).toBeLessThanOrEqual(text.split('\n').filter((line) => line.startsWith('@')).length);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      expect(error.diagnostics.every(({ line }) => line >= 1 && line <= text.split('\n').length + 1)).toBe(true);
      expect(error.message).toMatch(/^setup\.ini:\d+:\d+: /);
    }
  },
);
