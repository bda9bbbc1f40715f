import fc from 'fast-check';
import { expect } from 'vitest';
import { regularExpression } from '../../src/api/search.ts';
import { Catalog } from '../../src/core/catalog/catalog.ts';
import type { ResolveResult } from '../../src/core/resolve/plan.ts';
import { resolve } from '../../src/core/resolve/resolve.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import { clausePackages, indexText, pigeons, randomClauses, randomFrom } from '../support/universe.ts';
import type { MadePackage } from '../support/universe.ts';
import { attack } from './support.ts';

/** Conflicts after which each search gives up: the tests count conflicts, not time. */
const LIMIT = 1000;

interface Universe {
  readonly made: readonly MadePackage[];
  readonly packages: readonly string[];
}

/** Plans a request, and checks that a plan fulfills every rule of the packages in it. */
function answerTo({ made, packages }: Universe): ResolveResult {
  const { header, records } = parseText(indexText(made), { file: 'attack' });
  const catalog = Catalog.build([{ name: 'attack', header, records }]);
  const result = resolve(catalog, { packages, base: false }, { solverLimit: LIMIT });
  if (result.kind === 'plan') expect(violations(result.plan.packages, { made, packages })).toEqual([]);
  else expect(result.conflicts.length).toBeGreaterThan(0);
  return result;
}

/** Returns the rules that a plan does not fulfill, without any code of the solver. */
function violations(
  plan: readonly { readonly name: string; readonly version: string }[],
  { made, packages }: Universe,
): string[] {
  const byName = new Map<string, MadePackage>();
  for (const pkg of made) byName.set(`${pkg.name} ${pkg.version ?? '1-1'}`, pkg);
  const chosen = plan.map(({ name, version }) => byName.get(`${name} ${version}`));
  const bearers = new Map<string, MadePackage[]>();
  for (const pkg of chosen) {
    if (pkg === undefined) return ['a package that no index has'];
    // Setup reads obsoleted names as provided ones only in a package without `provides:`.
    const { name: own, provides = [], obsoletes = [] } = pkg;
    for (const name of new Set([own, ...(provides.length > 0 ? provides : obsoletes)]))
      bearers.set(name, [...(bearers.get(name) ?? []), pkg]);
  }
  const found = packages.filter((name) => !bearers.has(name)).map((name) => `${name} is missing`);
  for (const pkg of chosen) {
    if (pkg === undefined) continue;
    const { name, requires = [], conflicts = [], obsoletes = [] } = pkg;
    for (const each of requires) if (!bearers.has(each)) found.push(`${name} requires ${each}`);
    for (const each of conflicts)
      if (bearers.get(each)?.some((other) => other !== pkg) === true) found.push(`${name} conflicts with ${each}`);
    for (const each of obsoletes)
      if (chosen.some((other) => other !== pkg && other?.name === each)) found.push(`${name} obsoletes ${each}`);
    if (chosen.some((other) => other !== pkg && other?.name === name)) found.push(`two versions of ${name}`);
  }
  return found;
}

const hasGivenUp = (result: ResolveResult): boolean =>
  result.kind === 'conflict' && result.conflicts.some(({ code }) => code === 'gave-up');

const seed = fc.integer({ min: 0, max: 0x7fffffff });
const pick = (random: () => number, below: number): number => Math.floor(random() * below);
const numbers = (count: number): number[] => [...Array(count).keys()];

attack(
  'an index in which n packages need a place of their own, with too few places or enough (pigeonhole)',
  'a plan if there is one, otherwise a refusal, or "gave up" with names',
  { count: 150, from: fc.record({ count: fc.integer({ min: 1, max: 11 }), missing: fc.nat(2) }) },
  ({ count, missing }) => {
    const holes = Math.max(1, count - missing);
    const result = answerTo({ made: pigeons(count, holes), packages: numbers(count).map((i) => `pig${i}`) });
    if (!hasGivenUp(result)) expect(result.kind).toBe(holes < count ? 'conflict' : 'plan');
    else
      expect(result).toMatchObject({
        conflicts: [{ steps: [{ text: expect.stringMatching(/`h\d+x\d+`/) as string }] }],
      });
  },
);

attack(
  'an index made from random clauses of three literals, near the number of clauses that is hardest',
  'a correct plan, a refusal, or "gave up" after the limit of conflicts',
  {
    count: 200,
    from: fc.record({
      seed,
      variables: fc.integer({ min: 5, max: 150 }),
      ratio: fc.double({ min: 3.6, max: 5, noNaN: true }),
    }),
  },
  ({ seed: from, variables, ratio }) => {
    const clauses = randomClauses(variables, Math.round(variables * ratio), randomFrom(from));
    const result = answerTo({ made: clausePackages(variables, clauses), packages: ['all'] });
    if (variables <= 12 && !hasGivenUp(result))
      expect(result.kind).toBe(isSatisfiable(variables, clauses) ? 'plan' : 'conflict');
  },
);

function isSatisfiable(variables: number, clauses: readonly (readonly number[])[]): boolean {
  return numbers(2 ** variables).some((bits) =>
    clauses.every((clause) => clause.some((n) => ((bits >> (Math.abs(n) - 1)) & 1) === Number(n > 0))),
  );
}

attack(
  'chains of up to 3,000 packages that end in nothing, in a missing package, in a cycle or in a conflict',
  'a plan of the whole chain, or a refusal with its reasons',
  {
    count: 60,
    from: fc.record({
      length: fc.integer({ min: 1, max: 3000 }),
      end: fc.constantFrom('nothing', 'missing', 'cycle', 'conflict'),
      asked: fc.array(fc.nat(2999), { minLength: 1, maxLength: 20 }),
    }),
  },
  ({ length, end, asked }) => {
    const last = { nothing: [], missing: ['missing'], cycle: ['p0'], conflict: ['p0'] }[end];
    const made = numbers(length).map((i) => ({
      name: `p${i}`,
      requires: i + 1 < length ? [`p${i + 1}`] : last,
      conflicts: end === 'conflict' && i + 1 === length && length > 1 ? ['p0'] : [],
    }));
    const result = answerTo({ made, packages: asked.map((i) => `p${i % length}`) });
    expect(result.kind).toBe(end === 'missing' || (end === 'conflict' && length > 1) ? 'conflict' : 'plan');
  },
);

/** Levels of names with several providers each; providers require names of deeper levels and each other. */
function alternatives(random: () => number, levels: number, width: number): Universe {
  const name = (level: number, i: number): string => `a${level}x${i}`;
  const made = numbers(levels).flatMap((level) =>
    numbers(width).map((i): MadePackage => {
      const deeper = numbers(pick(random, 3)).map(() => `any${level + 1 + pick(random, levels - level)}`);
      const across = random() < 0.3 ? [name(pick(random, levels), pick(random, width))] : [];
      return {
        name: name(level, i),
        provides: [`any${level}`],
        requires: [...deeper, ...across].filter((each) => each !== `any${levels}`),
        conflicts: random() < 0.4 ? [name(pick(random, levels), pick(random, width))] : [],
        obsoletes: random() < 0.05 ? [name(pick(random, levels), pick(random, width))] : [],
      };
    }),
  );
  const top = { name: 'top', requires: numbers(levels).map((level) => `any${level}`) };
  return { made: [...made, top], packages: ['top'] };
}

attack(
  'names with several providers, up to 60 levels deep, with random requirements, conflicts and replacements',
  'a correct plan, a refusal, or "gave up" after the limit of conflicts',
  {
    count: 200,
    from: fc.record({ seed, levels: fc.integer({ min: 1, max: 60 }), width: fc.integer({ min: 1, max: 6 }) }),
  },
  ({ seed: from, levels, width }) => answerTo(alternatives(randomFrom(from), levels, width)),
);

attack(
  'packages in many versions, with conflicts between random pairs (coloring of dense graphs)',
  'a correct plan, a refusal, or "gave up" after the limit of conflicts',
  {
    count: 200,
    from: fc.record({
      seed,
      count: fc.integer({ min: 2, max: 40 }),
      colors: fc.integer({ min: 2, max: 5 }),
      density: fc.double({ min: 0.1, max: 1, noNaN: true }),
    }),
  },
  ({ seed: from, count, colors, density }) => {
    const random = randomFrom(from);
    const made = numbers(count).flatMap((node) => {
      const others = numbers(node).filter(() => random() < density);
      return numbers(colors).map((color) => ({
        name: `n${node}`,
        version: `${colors - color}-1`,
        provides: [`n${node}c${color}`],
        conflicts: others.map((other) => `n${other}c${color}`),
      }));
    });
    answerTo({ made, packages: numbers(count).map((node) => `n${node}`) });
  },
);

const piece = fc.constantFrom('(a+)+', '(a|aa)+', '(.*)*', '([a-z]+)*', '(a?){30}', '(x+x+)+', '\\w+\\s?', '[^b]*');

attack(
  'regular expressions of nested repetitions, against texts of 20,000 characters',
  'an answer in linear time, or a usage error',
  {
    count: 200,
    from: fc.tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom('$', '!$', 'y', '{40}')),
  },
  async ([pieces, end]) => {
    try {
      (await regularExpression(`^${pieces.join('')}${end}`)).test(`${'a'.repeat(20_000)}!`);
    } catch (error) {
      expect(error).toMatchObject({ code: 'usage' });
    }
  },
);
