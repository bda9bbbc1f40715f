import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../setup-ini/records.ts';
import type { Problem } from '../solver/engine.ts';
import type { Pool } from '../solver/pool.ts';
import type { Solution } from '../solver/solution.ts';
import type { Steps } from '../solver/steps.ts';
import { Explainer } from './explain.ts';
import type { Conflict, LeftOut } from './plan.ts';
import type { Requirement } from './requirements.ts';

/** A solution with problems. */
export interface Unsolved {
  readonly pool: Pool;
  readonly solution: Solution;
  /** The requirements of the jobs of the solution, in the same order. */
  readonly requirements: readonly Requirement[];
}

/** Explains why each of the refused requirements cannot be met; if Base is broken, also the problems of Base. Pauses
 *  often. */
export function* refusalsOf(
  { pool, solution, requirements }: Unsolved,
  refused: readonly Requirement[],
  isBaseBroken: boolean,
): Steps<Conflict[]> {
  const explainer = new Explainer(pool, solution, requirements);
  const conflicts: Conflict[] = [];
  const problems = new Set<Problem>();
  const byRequirement = problemsOf(requirements, solution);
  for (const requirement of refused) {
    const problem = byRequirement.get(requirement);
    if (problem !== undefined) problems.add(problem);
    else if (isSelfDestructing(pool, requirement)) conflicts.push(selfDestruct(pool, requirement));
  }
  for (const problem of problems) conflicts.push(yield* explainer.explain(problem));
  if (!isBaseBroken) return conflicts;
  const explained = new Set(conflicts.flatMap(factsOf));
  const isOfBase = (problem: Problem): boolean =>
    problem.culprits.some((rule) => rule < solution.kinds.job) ||
    jobsOf(solution, problem).some((job) => requirements[job]?.kind === 'base');
  for (const problem of solution.problems) {
    if (problems.has(problem) || !isOfBase(problem)) continue;
    const conflict = yield* explainer.explain(problem);
    // For the solver, every package of Base with the same missing requirement is a problem; users need it once.
    const facts = factsOf(conflict);
    if (facts.length > 0 && facts.every((text) => explained.has(text))) continue;
    conflicts.push(conflict);
    for (const text of facts) explained.add(text);
  }
  return conflicts;
}

/** Explains why members of categories are left out of a plan. Pauses often. */
export function* leftOutOf(
  { pool, solution, requirements }: Unsolved,
  unmet: readonly Requirement[],
): Steps<LeftOut[]> {
  const explainer = new Explainer(pool, solution, requirements);
  const byRequirement = problemsOf(requirements, solution);
  const leftOut: LeftOut[] = [];
  for (const requirement of unmet) {
    const problem = byRequirement.get(requirement);
    const steps =
      problem === undefined ? selfDestruct(pool, requirement).steps.slice(-1) : (yield* explainer.chain(problem)).steps;
    leftOut.push({ name: requirement.name, why: shortened(steps.map(({ text }) => text)).join('; ') });
  }
  return leftOut;
}

function jobsOf({ kinds }: Solution, { culprits }: Problem): number[] {
  return culprits.filter((rule) => rule >= kinds.job).map((rule) => rule - kinds.job);
}

/** Maps each requirement in a problem to the first of its problems. */
function problemsOf(requirements: readonly Requirement[], solution: Solution): Map<Requirement, Problem> {
  const byRequirement = new Map<Requirement, Problem>();
  for (const problem of solution.problems) {
    for (const job of jobsOf(solution, problem)) {
      const requirement = requirements[job];
      if (requirement !== undefined && !byRequirement.has(requirement)) byRequirement.set(requirement, problem);
    }
  }
  return byRequirement;
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

/** Maximum steps of the chain of an omitted package. With whole chains, n packages that each require the next would
 *  need n² steps. */
const MAX_STEPS = 20;

/** Returns the texts, of a long list the first and last ten and the number of others. */
export function shortened(texts: readonly string[]): string[] {
  if (texts.length <= MAX_STEPS) return [...texts];
  const half = MAX_STEPS / 2;
  return [...texts.slice(0, half), `(${texts.length - MAX_STEPS} more steps)`, ...texts.slice(-half)];
}
