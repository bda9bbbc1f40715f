import type { Solvable } from '../solver/candidates.ts';
import type { Pool } from '../solver/pool.ts';
import type { Steps } from '../solver/steps.ts';
import { Explainer } from './explain.ts';
import { shortened } from './refusals.ts';
import type { Unsolved } from './refusals.ts';
import type { Requirement } from './requirements.ts';

/** Returns the installed packages whose version the index withdraws with `replace-versions:`. Setup replaces them by
 *  the best version in the index, also by an older one, unless the index lists the installed version as well. A package
 *  with a pinned version is omitted.
 *  Source: cygwin-setup libsolv.cc `SolverTasks::setTasks`, package_meta.cc `isBlacklisted`; libsolv src/rules.c
 *  `solver_addduprules`, `jobtodisablelist`. */
export function withdrawnOf(pool: Pool, requirements: readonly Requirement[]): Solvable[] {
  const pinned = new Set(requirements.filter(({ exact }) => exact !== undefined).map(({ name }) => name));
  return pool.installed().filter((s) => {
    const name = pool.name(s);
    const version = pool.version(s);
    const pkg = pinned.has(name) ? undefined : pool.catalog.packages.get(name);
    return pkg?.replaceVersions.includes(version) === true && pool.catalog.find(name, version) === undefined;
  });
}

/** Returns the warning for a withdrawn version that stays installed, with the reason. Pauses often. */
export function* stuckText({ pool, solution, requirements }: Unsolved, s: Solvable): Steps<string> {
  const { kinds, rules, problems } = solution;
  const isRule = (rule: number): boolean => rule >= kinds.job && rule < kinds.choice && rules.p[rule] === -s;
  const problem = problems.find(({ proof }) => proof.some(isRule));
  const steps = problem === undefined ? [] : (yield* new Explainer(pool, solution, requirements).chain(problem)).steps;
  const why = shortened(steps.map(({ text }) => text)).join('; ');
  const what = `\`${pool.name(s)}\` ${pool.version(s)} stays installed, although the index withdraws it`;
  return why === '' ? what : `${what}: ${why}`;
}
