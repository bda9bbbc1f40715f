import { describe, expect, it } from 'vitest';
import { Catalog } from '../../src/core/catalog/catalog.ts';
import type { ResolveResult } from '../../src/core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../../src/core/resolve/request.ts';
import { resolve } from '../../src/core/resolve/resolve.ts';
import { why } from '../../src/core/resolve/why.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import { chainsText } from '../../src/report/chains.ts';
import { conflictText } from '../../src/report/conflict.ts';
import { dotText } from '../../src/report/dot.ts';
import { nixText } from '../../src/report/nix.ts';
import { tableText } from '../../src/report/table.ts';
import { treeText } from '../../src/report/tree.ts';

const HASH = 'a'.repeat(128);

/** Builds `p0` to `pN-1`, each of which requires the next; the last one requires `end`. */
function chainOf(length: number, end = ''): Catalog {
  const blocks = Array.from({ length }, (_, i) => {
    const next = i + 1 < length ? `p${i + 1}` : end;
    const depends = next === '' ? '' : `depends2: ${next}\n`;
    return `@ p${i}\nsdesc: "p"\ncategory: Libs\nversion: 1-1\ninstall: p${i}.tar.xz 1 ${HASH}\n${depends}`;
  });
  const { header, records } = parseText(`release: test\n\n${blocks.join('\n')}`, { file: 'test' });
  return Catalog.build([{ name: 'test', header, records }]);
}

function resolveFirst(catalog: Catalog): ResolveResult {
  return resolve(catalog, { ...EMPTY_REQUEST, base: false, packages: ['p0'] });
}

function planOf(catalog: Catalog) {
  const result = resolveFirst(catalog);
  if (result.kind === 'conflict') throw new Error(result.conflicts[0]?.message);
  return result.plan;
}

describe.each([10_000, 30_000, 100_000])('a chain of %d packages', { timeout: 60_000 }, (length) => {
  it('is planned and rendered in every format', () => {
    const catalog = chainOf(length);
    const plan = planOf(catalog);
    expect(plan.packages.length).toBe(length);
    expect(plan.packages[0]?.name).toBe(`p${length - 1}`);

    const tree = treeText(plan).split('\n');
    // The packages at level 100, 200, ... are drawn twice: as a leaf, and as the root of the next tree.
    const parts = Math.ceil((length - 1) / 100) - 1;
    expect(tree.length).toBe(length + parts + 2);
    expect(tree.slice(0, 3)).toEqual(['p0 1-1 [requested]', '└── p1 1-1', '    └── p2 1-1']);
    expect(tree.slice(100, 103)).toEqual([`${'    '.repeat(99)}└── p100 1-1 (below)`, 'p100 1-1', '└── p101 1-1']);
    expect(tree.at(-3)).toMatch(new RegExp(`└── p${length - 1} 1-1$`));

    const last = `p${length - 1}`;
    const chains = why(catalog, plan, last);
    expect(chains.map(({ steps }) => steps.length)).toEqual([length]);
    expect(chains[0]?.steps.at(-1)).toEqual({ name: last, version: '1-1', dependency: { name: last } });
    const text = chainsText(chains).split('\n');
    expect(text).toEqual([...tree.slice(0, -2), '']);

    expect(dotText(plan).split('\n').length).toBe(2 * length + 4);
    expect(nixText(plan).split('\n').length).toBe(length + 3);
    expect(tableText(plan).split('\n').length).toBe(length + 3);
  });

  it('that ends in a missing package is refused with every step', () => {
    const result = resolveFirst(chainOf(length, 'missing'));
    if (result.kind !== 'conflict') throw new Error('planned');
    expect(result.conflicts.length).toBe(1);
    const lines = result.conflicts.flatMap((each) => conflictText(each).split('\n'));
    expect(lines.length).toBe(length + 2);
    expect(lines.slice(0, 4)).toEqual([
      '`p0` cannot be installed',
      '  - you asked for `p0`',
      '  - `p0` 1-1 requires `p1`',
      '  - `p1` 1-1 requires `p2`',
    ]);
    expect(lines.at(-1)).toBe(`  - \`p${length - 1}\` 1-1 requires \`missing\`, which nothing provides`);
  });
});

describe('a tree deeper than 100 levels', () => {
  it('draws a package at level 100 in place when it has no dependencies', () => {
    expect(treeText(planOf(chainOf(101)))).not.toContain('(below)');
    expect(treeText(planOf(chainOf(102)))).toContain('p100 1-1 (below)\np100 1-1\n└── p101 1-1\n');
  });
});

describe('a long text', () => {
  const plan = planOf(chainOf(200));

  it('ends after the maximum of lines, with the number of further ones', () => {
    const whole = treeText(plan).split('\n');
    const lines = treeText(plan, { maxLines: 150 }).split('\n');
    expect(lines).toEqual([...whole.slice(0, 150), '... 51 more lines; --full prints all', ...whole.slice(-2)]);
    expect(treeText(plan, { maxLines: 201 })).toBe(treeText(plan));
    expect(treeText(plan, { maxLines: 200 })).toContain('... 1 more line; --full prints all\n');

    const chains = why(chainOf(200), plan, 'p199');
    const chain = chainsText(chains).split('\n');
    expect(chainsText(chains, { maxLines: 150 }).split('\n')).toEqual([
      ...chain.slice(0, 150),
      '... 51 more lines; --full prints all',
      '',
    ]);
  });
});

describe('a category of packages that require each other', () => {
  it('has reasons of limited size together', () => {
    const result = resolve(chainOf(3000, 'missing'), { ...EMPTY_REQUEST, base: false, categories: ['Libs'] });
    if (result.kind !== 'plan') throw new Error('refused');
    expect(result.plan.leftOut.length).toBe(3000);
    const omitted = 'the reasons are left out: those of earlier conflicts are too many';
    const short = result.plan.leftOut.filter(({ why: reason }) => reason.endsWith(omitted));
    expect(short.length).toBeGreaterThan(2000);
    expect(short[0]?.why).toMatch(/^you asked for `category Libs`, which has `p\d+`; the reasons are left out/);
  });

  it('reports packages left out with the first and last steps of a long chain', () => {
    const result = resolve(chainOf(450, 'missing'), { ...EMPTY_REQUEST, base: false, categories: ['Libs'] });
    if (result.kind !== 'plan') throw new Error('refused');
    expect(result.plan.packages).toEqual([]);
    expect(result.plan.leftOut.length).toBe(450);
    const first = result.plan.leftOut.find(({ name }) => name === 'p0')?.why.split('; ');
    expect(first?.length).toBe(21);
    expect(first?.[10]).toBe('(431 more steps)');
    expect(first?.at(-1)).toBe('`p449` 1-1 requires `missing`, which nothing provides');
    const short = result.plan.leftOut.find(({ name }) => name === 'p440')?.why.split('; ');
    expect(short?.length).toBe(11);
  });
});
