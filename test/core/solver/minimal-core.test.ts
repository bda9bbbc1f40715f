import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimalCore } from '../../../src/core/solver/minimal-core.ts';
import { finish } from '../../../src/core/solver/steps.ts';
import { SEED } from '../../support/seed.ts';

describe('minimal core', () => {
  it('removes clauses that the contradiction does not need', () => {
    expect(finish(minimalCore([[1], [2], [-1, 3], [-3], [-2, 4]]))).toEqual([0, 2, 3]);
  });

  it('keeps all clauses when they do not contradict each other', () => {
    expect(finish(minimalCore([[1, 2], [-1]]))).toEqual([0, 1]);
  });

  it('is contradictory, and no longer so without any one of its clauses', () => {
    const literal = fc.integer({ min: 1, max: 5 }).chain((s) => fc.constantFrom(s, -s));
    const clauses = fc.array(fc.uniqueArray(literal, { minLength: 1, maxLength: 3 }), { maxLength: 16 });
    fc.assert(
      fc.property(clauses, (given) => {
        const core = finish(minimalCore(given));
        const kept = core.map((i) => given[i] ?? []);
        if (isSatisfiable(given)) expect(core.length).toBe(given.length);
        else {
          expect(isSatisfiable(kept)).toBe(false);
          for (const each of kept) expect(isSatisfiable(kept.filter((other) => other !== each))).toBe(true);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('handles clauses of thousands of literals', () => {
    const many = Array.from({ length: 50_000 }, (_, i) => i + 1);
    const clauses = [many, [-1, -2], [50_001], [-50_001]];
    expect(finish(minimalCore(clauses))).toEqual([2, 3]);
  });

  it('ends where the search for a smaller core would take too long', () => {
    // Nine pigeons in eight holes: a contradiction without short proof.
    const at = (pigeon: number, hole: number): number => pigeon * 8 + hole + 1;
    const pigeons = [...Array(9).keys()];
    const holes = [...Array(8).keys()];
    const clauses = [
      ...pigeons.map((pigeon) => holes.map((hole) => at(pigeon, hole))),
      ...holes.flatMap((hole) =>
        pigeons.flatMap((a) => pigeons.filter((b) => b > a).map((b) => [-at(a, hole), -at(b, hole)])),
      ),
    ];
    expect(finish(minimalCore(clauses)).length).toBe(clauses.length);
  });
});

function isSatisfiable(clauses: readonly (readonly number[])[]): boolean {
  return [...Array(32).keys()].some((bits) =>
    clauses.every((clause) =>
      clause.some((literal) => ((bits >> (Math.abs(literal) - 1)) & 1) === Number(literal > 0)),
    ),
  );
}
