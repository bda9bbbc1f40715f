import type { Catalog } from '../catalog/catalog.ts';
import type { Problem } from '../solver/engine.ts';
import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../setup-ini/records.ts';
import type { Solvable } from '../solver/candidates.ts';
import { Pool } from '../solver/pool.ts';
import { solve } from '../solver/solver.ts';
import type { Job } from '../solver/rule-setup.ts';
import type { Solution } from '../solver/solver.ts';
import { chainOf, conflictOf } from './explain.ts';
import { byName, planOf, transaction } from './build-plan.ts';
import type { Conflict, LeftOut, ResolveRequest, ResolveResult } from './plan.ts';
import { EMPTY_REQUEST } from './request.ts';
import { requirementsOf } from './requirements.ts';
import type { Requirement } from './requirements.ts';

/** Computes what Cygwin's setup would install, or why it could not install everything. Where setup drops a requested
 *  package or continues with a broken Base, the result is a conflict. Members of a category that cannot be installed
 *  are left out, as in setup, and listed. Deterministic.
 *  Source: cygwin-setup libsolv.cc, prereq.cc; every rule is in fixtures/resolve. */
export function resolve(catalog: Catalog, fields: Partial<ResolveRequest>): ResolveResult {
  const request = { ...EMPTY_REQUEST, ...fields };
  const { requirements, conflicts, passedOver, warnings } = requirementsOf(catalog, request);
  const base = request.base ? catalog.category('Base').map(({ name }) => name) : undefined;
  const pool = new Pool(catalog, { base, windows: request.windows, test: request.test, installed: request.installed });
  const jobs = requirements.map(({ name, exact }): Job =>
    exact === undefined ? { kind: 'any', name } : { kind: 'exact', solvable: pool.solvable(exact) },
  );
  // Setup updates the installed packages if nothing in particular is requested.
  const updateAll = request.installed.length > 0 || (request.packages.length === 0 && request.categories.length === 0);
  const first = solve(pool, jobs, { updateAll });
  let chosen = first.chosen;
  let second: Solution | undefined;
  if (first.problems.length > 0) {
    // Setup resolves again with the rest, so that Base is complete where a problem had removed a part of it.
    const kept = byName(pool, transaction(pool, chosen));
    second = solve(
      pool,
      kept.map((solvable) => ({ kind: 'exact', solvable })),
      { updateAll: false },
    );
    chosen = second.chosen;
  }
  const present = new Set([...transaction(pool, chosen), ...chosen.filter((s) => pool.isInstalled(s))]);
  const unmet = requirements.filter((requirement) => !isMet(pool, present, requirement));
  const refused = unmet.filter(({ kind }) => kind === 'package' || kind === 'build-depends');
  if (conflicts.length > 0 || refused.length > 0 || (second !== undefined && second.problems.length > 0)) {
    return { kind: 'conflict', conflicts: [...conflicts, ...explainAll(pool, requirements, refused, first, second)] };
  }
  return {
    kind: 'plan',
    plan: planOf({
      pool,
      request,
      requirements,
      chosen,
      leftOut: [...passedOver, ...leftOutOf(pool, unmet, first, requirements)],
      warnings,
    }),
  };
}

function isMet(pool: Pool, present: ReadonlySet<Solvable>, requirement: Requirement): boolean {
  if (requirement.exact !== undefined) {
    const { name, version } = requirement.exact;
    return pool
      .providersOfName(name)
      .some((s) => present.has(s) && pool.name(s) === name && pool.version(s) === version);
  }
  return pool.providersOfName(requirement.name).some((s) => present.has(s));
}

function jobNumbers(problem: Problem): number[] {
  return problem.culprits.filter((culprit) => culprit < 0).map((culprit) => -culprit - 1);
}

/** Maps each requirement in a problem to the first of its problems. */
function problemsOf(requirements: readonly Requirement[], { problems }: Solution): Map<Requirement, Problem> {
  const byRequirement = new Map<Requirement, Problem>();
  for (const problem of problems) {
    for (const job of jobNumbers(problem)) {
      const requirement = requirements[job];
      if (requirement !== undefined && !byRequirement.has(requirement)) byRequirement.set(requirement, problem);
    }
  }
  return byRequirement;
}

function explainAll(
  pool: Pool,
  requirements: readonly Requirement[],
  refused: readonly Requirement[],
  first: Solution,
  second: Solution | undefined,
): Conflict[] {
  const conflicts: Conflict[] = [];
  const problems = new Set<Problem>();
  const byRequirement = problemsOf(requirements, first);
  for (const requirement of refused) {
    const problem = byRequirement.get(requirement);
    if (problem !== undefined) problems.add(problem);
    else if (isSelfDestructing(pool, requirement)) conflicts.push(selfDestruct(pool, requirement));
  }
  for (const problem of problems) conflicts.push(conflictOf(pool, first, problem, requirements));
  if (second === undefined || second.problems.length === 0) return conflicts;
  const explained = new Set(conflicts.flatMap(factsOf));
  const isBase = (job: number): boolean => requirements[job]?.kind === 'base';
  for (const problem of first.problems) {
    if (problems.has(problem) || !(jobNumbers(problem).some(isBase) || problem.culprits.some((culprit) => culprit > 0)))
      continue;
    const conflict = conflictOf(pool, first, problem, requirements);
    // For the solver, every package of Base with the same missing requirement is a problem; users need it once.
    const facts = factsOf(conflict);
    if (facts.length > 0 && facts.every((text) => explained.has(text))) continue;
    conflicts.push(conflict);
    for (const text of facts) explained.add(text);
  }
  return conflicts;
}

/** Returns the texts of the last facts of a conflict. */
function factsOf({ steps }: Conflict): string[] {
  return steps
    .filter(({ kind }) => kind !== 'requires' && kind !== 'request' && kind !== 'base')
    .map(({ text }) => text);
}

function isSelfDestructing(pool: Pool, requirement: Requirement): boolean {
  return pool
    .providersOfName(requirement.name)
    .some((s) => pool.name(s) === requirement.name && pool.provides(s).some(({ name }) => name === SELF_DESTRUCT_READ));
}

function selfDestruct(pool: Pool, requirement: Requirement): Conflict {
  const s = pool.providersOfName(requirement.name)[0] ?? 0;
  const needs = pool.requires(s).map(({ name }) => `\`${name}\``);
  return {
    code: 'unsatisfiable',
    message: `\`${requirement.name}\` cannot be installed`,
    requested: requirement.by,
    steps: [
      { kind: 'request', subject: requirement.name, text: `you asked for \`${requirement.name}\`` },
      {
        kind: 'not-available',
        subject: requirement.name,
        text:
          `\`${requirement.name}\` ${pool.version(s)} provides \`${SELF_DESTRUCT_WRITTEN}\`: setup ` +
          'installs what it requires and never the package itself',
      },
    ],
    suggestions: needs.length === 0 ? [] : [`ask for ${needs.join(', ')}, which it requires`],
  };
}

function leftOutOf(
  pool: Pool,
  unmet: readonly Requirement[],
  first: Solution,
  requirements: readonly Requirement[],
): LeftOut[] {
  const byRequirement = problemsOf(requirements, first);
  return unmet.map((requirement) => {
    const problem = byRequirement.get(requirement);
    const steps =
      problem === undefined
        ? selfDestruct(pool, requirement).steps.slice(-1)
        : chainOf(pool, first, problem, requirements);
    return { name: requirement.name, why: shortened(steps.map(({ text }) => text)).join('; ') };
  });
}

/** Maximum steps of the chain of an omitted package: the first and the last of a longer one. With whole chains, n
 *  packages that each require the next would need n² steps. */
const MAX_STEPS = 20;

function shortened(texts: readonly string[]): string[] {
  if (texts.length <= MAX_STEPS) return [...texts];
  const half = MAX_STEPS / 2;
  return [...texts.slice(0, half), `(${texts.length - MAX_STEPS} more steps)`, ...texts.slice(-half)];
}
