import fc from 'fast-check';
import { test } from 'vitest';
import { SEED } from '../support/seed.ts';

/** A row of the table in `src/docs/trust.md`. */
export interface AttackRow {
  /** What is done to cygstrap, in a few words; unique. */
  readonly kind: string;
  /** What happens for every input, as one phrase. */
  readonly outcome: string;
  /** Number of inputs tried. */
  readonly inputs: number;
}

declare module 'vitest' {
  interface TaskMeta {
    attack?: AttackRow;
  }
}

/** Listed inputs, or a generator and how many to draw from it. */
export type Inputs<T> = readonly T[] | { readonly count: number; readonly from: fc.Arbitrary<T> };

/** Declares a test that is one row of the table: checks every input. Inputs are drawn from the seed of
 *  `test/support/seed.ts`, so every run tries the same ones. A failure shows its input, unchanged: shrinking would
 *  start servers and programs again and again.
 *  @param check throws if the outcome is another one */
export function attack<T>(kind: string, outcome: string, inputs: Inputs<T>, check: (input: T) => unknown): void {
  test(kind, { timeout: 600_000 }, async ({ task }) => {
    if ('from' in inputs) {
      const property = fc.asyncProperty(inputs.from, async (input) => {
        await check(input);
      });
      await fc.assert(property, { seed: SEED, numRuns: inputs.count, endOnFailure: true });
      task.meta.attack = { kind, outcome, inputs: inputs.count };
    } else {
      for (const input of inputs) await check(input);
      task.meta.attack = { kind, outcome, inputs: inputs.length };
    }
  });
}
