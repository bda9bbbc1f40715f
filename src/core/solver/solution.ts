import type { Solvable } from './candidates.ts';
import type { Problem, RuleKinds } from './engine.ts';
import type { RuleSet } from './rules.ts';

export interface SolveOptions {
  /** Also update installed packages to their best version. */
  readonly updateAll: boolean;
  /** Conflicts after which the search gives up. */
  readonly limit: number;
}

/** What a search found. */
export interface Solution {
  /** The selected solvables, in the order of their decisions; none if the search gave up. */
  readonly chosen: readonly Solvable[];
  readonly problems: readonly Problem[];
  readonly rules: RuleSet;
  /** `kinds.job` is the rule of the first job, the next rule that of the second. */
  readonly kinds: RuleKinds;
  /** Conflicts, and decisions that were retried with another candidate. */
  readonly conflicts: number;
  /** Only if the search gave up: what its last conflicts were about, the most frequent first. */
  readonly unsettled?: readonly Solvable[];
}
