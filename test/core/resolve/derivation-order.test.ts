import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivationOrder } from '../../../src/core/resolve/derivation-order.ts';
import { SEED } from '../../support/seed.ts';

describe('order of the clauses of a proof', () => {
  it('starts with the given clauses and follows what they make true', () => {
    expect(derivationOrder([[-3], [-2, 3], [-1, 2], [1]], [3])).toEqual([3, 2, 1, 0]);
  });

  it('places the first clause left where none follows', () => {
    expect(derivationOrder([[-3, 4], [-4, 3], [1]], [2])).toEqual([2, 0, 1]);
  });

  it('equals a search from the front at each step', () => {
    const literal = fc.integer({ min: 1, max: 6 }).chain((s) => fc.constantFrom(s, -s));
    const clauses = fc.array(fc.uniqueArray(literal, { maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(clauses, (given) => {
        expect(derivationOrder(given, [])).toEqual(searched(given));
      }),
      { seed: SEED },
    );
  });

  it('reads a chain of 100,000 clauses a fixed number of times', () => {
    const length = 100_000;
    let reads = 0;
    const counted = Array.from(
      { length },
      (_, i) =>
        new Proxy([-(length - i), length - i + 1], {
          get: (target, key, receiver) => (reads++, Reflect.get(target, key, receiver) as unknown),
        }),
    );
    const order = derivationOrder([...counted, [1]], [length]);
    expect(order.slice(0, 3)).toEqual([length, length - 1, length - 2]);
    expect(reads).toBeLessThan(20 * length);
  });
});

function searched(clauses: readonly (readonly number[])[]): number[] {
  const left = clauses.map((_, i) => i);
  const reached = new Set<number>();
  const order: number[] = [];
  while (left.length > 0) {
    const found = left.findIndex((i) => clauses[i]?.every((literal) => literal > 0 || reached.has(-literal)));
    const [next = 0] = left.splice(Math.max(found, 0), 1);
    order.push(next);
    for (const literal of clauses[next] ?? []) if (literal > 0) reached.add(literal);
  }
  return order;
}
