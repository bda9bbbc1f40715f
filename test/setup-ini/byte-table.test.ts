import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteTable, NO_ENTRY } from '../../src/setup-ini/parser/byte-table.ts';
import { SEED } from '../support/seed.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Puts a key in where it is not found; returns what the table then says. */
function keep(table: ByteTable<string>, key: string, value: string): string | undefined {
  const bytes = bytesOf(`[${key}]`);
  if (table.find(bytes, 1, bytes.length - 1) === NO_ENTRY) table.add(bytes, 1, bytes.length - 1, value);
  const entry = table.find(bytes, 1, bytes.length - 1);
  return entry === NO_ENTRY ? undefined : table.at(entry);
}

describe('a table by bytes', () => {
  it('finds what was put in under the same bytes, however many came between', () => {
    const table = new ByteTable<string>();
    const names = Array.from({ length: 20_000 }, (_, i) => `package${i % 10_000}`);
    for (const name of names) expect(keep(table, name, name)).toBe(name);
    expect(table.size).toBe(10_000);
    table.clear();
    expect(table.size).toBe(0);
    expect(table.find(bytesOf('package1'), 0, 8)).toBe(NO_ENTRY);
  });

  it('never answers with the value of another key', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'ÿ'), maxLength: 4 }), { maxLength: 200 }), (keys) => {
        const table = new ByteTable<string>();
        for (const key of keys) expect(keep(table, key, key)).toBe(key);
        expect(table.size).toBe(new Set(keys).size);
      }),
      { seed: SEED },
    );
  });

  it('does not keep keys made to collide, and stays fast', () => {
    // 'Aa' and 'BB' are the same to a hash that multiplies by 31, and so are all words made of them.
    const table = new ByteTable<string>();
    const words = Array.from({ length: 1 << 12 }, (_, i) => i.toString(2).padStart(12, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB'));
    const kept = words.filter((word) => keep(table, word, word) === word);
    expect(table.size).toBe(kept.length);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(words.length);
  });
});
