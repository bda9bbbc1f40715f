import type { Solvable } from '../solver/candidates.ts';
import type { Pool } from '../solver/pool.ts';
import type { Conflict, ResolveRequest, ResolveResult } from './plan.ts';

/** Packages that are named. */
const MAX_NAMES = 10;

/** Makes the result of a search that reached its limit of conflicts.
 *  @param unsettled what the last conflicts were about, the most frequent first */
export function gaveUp(
  pool: Pool,
  { packages, categories, buildDepends }: ResolveRequest,
  limit: number,
  unsettled: readonly Solvable[],
): ResolveResult {
  const names = [...new Set(unsettled.map((s) => pool.name(s)))].slice(0, MAX_NAMES);
  const about = names.map((name) => `\`${name}\``).join(', ');
  const conflict: Conflict = {
    code: 'gave-up',
    message: `gave up after ${limit} conflicts between packages; whether there is a plan is unknown`,
    requested: [...new Set([...packages, ...categories, ...buildDepends])].sort(),
    steps:
      names.length === 0
        ? []
        : [{ kind: 'undecided', subject: names[0] ?? '', text: `the last conflicts were mostly about ${about}` }],
    suggestions: [
      'ask for fewer packages, or for one version of some of them with NAME=VERSION',
      'search longer with a larger `--solver-limit`',
    ],
  };
  return { kind: 'conflict', conflicts: [conflict] };
}
