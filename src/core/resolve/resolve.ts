import type { Catalog } from '../catalog/catalog.ts';
import type { Solvable } from '../solver/candidates.ts';
import { Pool } from '../solver/pool.ts';
import { solve } from '../solver/solver.ts';
import type { Job } from '../solver/rule-setup.ts';
import type { Solution } from '../solver/solution.ts';
import { finish } from '../solver/steps.ts';
import type { Steps } from '../solver/steps.ts';
import { byName, planOf, transaction } from './build-plan.ts';
import { gaveUp } from './gave-up.ts';
import type { ResolveOptions, ResolveRequest, ResolveResult } from './plan.ts';
import { DEFAULT_SOLVER_LIMIT, EMPTY_REQUEST } from './request.ts';
import { leftOutOf, refusalsOf } from './refusals.ts';
import { requirementsOf } from './requirements.ts';
import type { Requirement } from './requirements.ts';
import { stuckText, withdrawnOf } from './withdrawn.ts';

/** Computes what Cygwin's setup would install, or why it could not install everything. Where setup drops a requested
 *  package or continues with a broken Base, the result is a conflict. Members of a category that cannot be installed
 *  are left out, as in setup, and listed. If the solver reaches its limit, the result is a conflict with the code
 *  `gave-up`. Deterministic.
 *  Source: cygwin-setup libsolv.cc, prereq.cc; every rule is in fixtures/resolve. */
export function resolve(
  catalog: Catalog,
  fields: Partial<ResolveRequest>,
  options: ResolveOptions = {},
): ResolveResult {
  return finish(resolveInSteps(catalog, fields, options));
}

/** The same in steps: each takes milliseconds at most, but for the first ones with a large index. */
export function* resolveInSteps(
  catalog: Catalog,
  fields: Partial<ResolveRequest>,
  { solverLimit = DEFAULT_SOLVER_LIMIT, programs }: ResolveOptions = {},
): Steps<ResolveResult> {
  const request = { ...EMPTY_REQUEST, ...fields };
  const { requirements, conflicts, passedOver, warnings } = requirementsOf(catalog, request, programs);
  const base = request.base ? catalog.category('Base').map(({ name }) => name) : undefined;
  const pool = new Pool(catalog, { base, windows: request.windows, test: request.test, installed: request.installed });
  const jobs = requirements.map(({ name, exact }): Job =>
    exact === undefined ? { kind: 'any', name } : { kind: 'exact', solvable: pool.solvable(exact) },
  );
  const withdrawn = withdrawnOf(pool, requirements);
  jobs.push(...withdrawn.map((solvable): Job => ({ kind: 'replace', solvable })));
  // Setup updates the installed packages if nothing in particular is requested.
  const updateAll = request.installed.length > 0 || (request.packages.length === 0 && request.categories.length === 0);
  const first = yield* solve(pool, jobs, { updateAll, limit: solverLimit });
  if (first.unsettled !== undefined) return gaveUp(pool, request, solverLimit, first.unsettled);
  let chosen = first.chosen;
  let second: Solution | undefined;
  if (first.problems.length > 0) {
    // Setup resolves again with the rest, so that Base is complete where a problem had removed a part of it.
    const kept = byName(pool, transaction(pool, chosen));
    second = yield* solve(
      pool,
      kept.map((solvable) => ({ kind: 'exact', solvable })),
      { updateAll: false, limit: solverLimit - first.conflicts },
    );
    if (second.unsettled !== undefined) return gaveUp(pool, request, solverLimit, second.unsettled);
    chosen = second.chosen;
  }
  const present = new Set([...transaction(pool, chosen), ...chosen.filter((s) => pool.isInstalled(s))]);
  const unmet = requirements.filter((requirement) => !isMet(pool, present, requirement));
  const refused = unmet.filter(({ kind }) => kind === 'package' || kind === 'build-depends');
  if (conflicts.length > 0 || refused.length > 0 || (second !== undefined && second.problems.length > 0)) {
    const isBaseBroken = second !== undefined && second.problems.length > 0;
    const explained = yield* refusalsOf({ pool, solution: first, requirements }, refused, isBaseBroken);
    return { kind: 'conflict', conflicts: [...conflicts, ...explained] };
  }
  const leftOut = yield* leftOutOf({ pool, solution: first, requirements }, unmet);
  const stuck = withdrawn.filter((s) => present.has(s));
  for (const s of stuck) warnings.push(yield* stuckText({ pool, solution: first, requirements }, s));
  return {
    kind: 'plan',
    plan: planOf({ pool, request, requirements, chosen, leftOut: [...passedOver, ...leftOut], warnings }),
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
