import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareForMatch, compareVersions } from '../../../src/core/version/compare.ts';
import { criteriaMeet, versionMeets } from '../../../src/core/version/criteria.ts';
import type { Criterion } from '../../../src/core/version/criteria.ts';
import { SEED } from '../../support/seed.ts';

const ORACLE = '../shared/oracle/versions.tsv';

describe('order of versions', () => {
  const groups = readFileSync('fixtures/version/order.txt', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' '));

  it('orders every pair of fixtures/version/order.txt, both ways', () => {
    const wrong: string[] = [];
    groups.forEach((left, i) => {
      groups.forEach((right, j) => {
        for (const a of left)
          for (const b of right) if (compareVersions(a, b) !== Math.sign(i - j)) wrong.push(`${a} against ${b}`);
      });
    });
    expect(wrong).toEqual([]);
  });

  it('is a total preorder', () => {
    const version = fc.string({ unit: fc.constantFrom(...'0019aZb.-~^:_+'), maxLength: 8 });
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(compareVersions(b, a)).toBe(0 - compareVersions(a, b));
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });
});

describe('criteria', () => {
  it.each([
    ['1.0-1', '=', '1.0', true],
    ['1.0-1', '>=', '1.0', true],
    ['1.0-1', '<=', '1.0', true],
    ['1.0-1', '>', '1.0', false],
    ['1.0-1', '<', '1.0', false],
    ['1.0-1', '=', '1.0-2', false],
    ['1.0-1', '<', '1.0-2', true],
    ['2:1.0-1', '>', '9', true],
    ['1.0~rc1-1', '>=', '1.0', false],
    ['4-', '=', '4', true],
  ] as const)('%s %s %s is %s', (version, op, wanted, meets) => {
    expect(criteriaMeet({ op: '=', version }, { op, version: wanted })).toBe(meets);
    expect(versionMeets(version, { op, version: wanted })).toBe(meets);
  });

  it('two criteria match when their ranges share a version', () => {
    const meet = (provided: Criterion, wanted: Criterion): boolean => criteriaMeet(provided, wanted);
    expect(meet({ op: '>=', version: '2' }, { op: '>', version: '5' })).toBe(true);
    expect(meet({ op: '<', version: '2' }, { op: '>=', version: '2' })).toBe(false);
    expect(meet({ op: '<=', version: '2' }, { op: '>=', version: '2' })).toBe(true);
    expect(meet({ op: '>', version: '1' }, { op: '<', version: '2' })).toBe(true);
    expect(meet({ op: '<', version: '1' }, { op: '=', version: '2' })).toBe(false);
  });
});

describe.skipIf(!existsSync(ORACLE))('versions.tsv of the real setup (skipped without ../shared/oracle)', () => {
  it('the same order for every pair', () => {
    const rows = readFileSync(ORACLE, 'utf8').trimEnd().split('\n').slice(1);
    const wrong = rows.filter((row) => {
      const [a = '', b = '', compare, match] = row.split('\t');
      return compareVersions(a, b) !== Number(compare) || compareForMatch(a, b) !== Number(match);
    });
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(1000);
  });
});
