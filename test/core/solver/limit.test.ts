import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import type { Conflict, ResolveResult } from '../../../src/core/resolve/plan.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { clausePackages, indexText, pigeons, randomClauses, randomFrom } from '../../support/universe.ts';
import type { MadePackage } from '../../support/universe.ts';

function resultOf(made: readonly MadePackage[], packages: readonly string[], solverLimit?: number): ResolveResult {
  const { header, records } = parseText(indexText(made), { file: 'test' });
  const catalog = Catalog.build([{ name: 'test', header, records }]);
  return resolve(catalog, { packages, base: false }, { solverLimit });
}

function refusal(result: ResolveResult): Conflict {
  if (result.kind === 'plan' || result.conflicts[0] === undefined) throw new Error('expected a conflict');
  return result.conflicts[0];
}

const pigs = (count: number): string[] => Array.from({ length: count }, (_, i) => `pig${i}`);

/** 200 variables and 852 clauses: beyond any solver without restarts. */
const HARD = clausePackages(200, randomClauses(200, 852, randomFrom(1)));

describe('the limit of the solver', () => {
  it('ends a search for random clauses, and names the packages of the last conflicts', () => {
    const { code, message, requested, steps } = refusal(resultOf(HARD, ['all']));
    expect(code).toBe('gave-up');
    expect(message).toBe('gave up after 20000 conflicts between packages; whether there is a plan is unknown');
    expect(requested).toEqual(['all']);
    expect(steps.map(({ kind }) => kind)).toEqual(['undecided']);
    expect(steps[0]?.text).toMatch(/^the last conflicts were mostly about (`[tf]\d+`, ){9}`[tf]\d+`$/);
  });

  it('is as given', () => {
    expect(refusal(resultOf(HARD, ['all'], 10)).message).toContain('gave up after 10 conflicts');
  });

  it('is not reached by nine pigeons in eight holes, which is refused with its reasons', () => {
    const { code, steps } = refusal(resultOf(pigeons(9, 8), pigs(9)));
    expect(code).toBe('conflicting');
    expect(steps.length).toBe(9 + 9 + (8 * 9 * 8) / 2);
  });

  it('does not count decisions without a conflict', () => {
    expect(resultOf(pigeons(8, 8), pigs(1), 0).kind).toBe('plan');
    expect(refusal(resultOf(pigeons(3, 2), pigs(3), 0)).code).toBe('gave-up');
  });
});

describe('many packages that cannot be installed', () => {
  it('are all left out of a category', () => {
    const made = Array.from({ length: 20_000 }, (_, i) => ({ name: `p${i}`, requires: [`missing${i}`] }));
    const { header, records } = parseText(indexText(made), { file: 'test' });
    const result = resolve(Catalog.build([{ name: 'test', header, records }]), { categories: ['X'], base: false });
    expect(result).toMatchObject({ kind: 'plan', plan: { packages: [] } });
    expect(result.kind === 'plan' && result.plan.leftOut.length).toBe(20_000);
  });
});
