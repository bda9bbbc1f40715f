import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dependencyOrder } from '../../../src/core/resolve/order.ts';
import { SEED } from '../../support/seed.ts';

describe('the order of a plan', () => {
  const order = (edges: readonly (readonly number[])[]): number[] =>
    dependencyOrder(edges.length, (node) => edges[node] ?? []);

  it('puts dependencies first', () => {
    expect(order([[1], [2], []])).toEqual([2, 1, 0]);
  });

  it('keeps a cycle together, smallest first', () => {
    expect(order([[3], [0], [], [4, 2], [3, 0]])).toEqual([2, 0, 3, 4, 1]);
  });

  it('goes through a chain of 100,000', () => {
    expect(dependencyOrder(100_000, (node) => (node + 1 < 100_000 ? [node + 1] : []))[0]).toBe(99_999);
  });

  it('goes through a cycle of 300,000', () => {
    const order = dependencyOrder(300_000, (node) => [(node + 1) % 300_000]);
    expect([order.length, order[0], order.at(-1)]).toEqual([300_000, 0, 299_999]);
  });

  it('places every node once, after all it reaches that do not reach it back', () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((count) =>
        fc.array(fc.array(fc.nat(count - 1), { maxLength: 3 }), { minLength: count, maxLength: count }),
      );
    fc.assert(
      fc.property(graph, (edges) => {
        const reach = edges.map((_, start) => {
          const seen = new Set<number>();
          const visit = (node: number): void => {
            for (const next of edges[node] ?? []) {
              if (seen.has(next)) continue;
              seen.add(next);
              visit(next);
            }
          };
          visit(start);
          return seen;
        });
        const result = order(edges);
        expect(result.toSorted((a, b) => a - b)).toEqual(edges.map((_, i) => i));
        const at = new Map(result.map((node, i) => [node, i]));
        edges.forEach((_, a) => {
          for (const b of reach[a] ?? []) if (reach[b]?.has(a) !== true) expect(at.get(b)).toBeLessThan(at.get(a) ?? 0);
        });
      }),
      { seed: SEED },
    );
  });
});
