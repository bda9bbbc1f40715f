import type { Solvable } from './candidates.ts';

/** A decision with several candidates, kept to try another one later. */
export interface Branch {
  readonly level: number;
  readonly candidates: readonly Solvable[];
  /** Candidates that were not tried yet. */
  readonly untried: Set<Solvable>;
  readonly rule: number;
}

/** The decisions with several candidates, in order of their levels. */
export class Branches {
  readonly #branches: Branch[] = [];

  clear(): void {
    this.#branches.length = 0;
  }

  /** Records a decision for the first of several candidates. */
  push(level: number, candidates: readonly Solvable[], rule: number): void {
    this.#branches.push({ level, candidates, untried: new Set(candidates.slice(1)), rule });
  }

  /** Drops the decisions at `level` and above. */
  dropFrom(level: number): void {
    while ((this.#branches.at(-1)?.level ?? -1) >= level) this.#branches.pop();
  }

  /** Returns the earliest decision of which another candidate was selected later: deciding for that one can need fewer
   *  packages. Source: libsolv src/solver.c, the minimization step of `solver_run_sat`. */
  better(decisions: Int32Array): { readonly branch: Branch; readonly candidate: Solvable } | undefined {
    for (const branch of this.#branches) {
      for (const candidate of branch.candidates) {
        if (branch.untried.has(candidate) && (decisions[candidate] ?? 0) > branch.level) return { branch, candidate };
      }
    }
    return undefined;
  }

  /** Marks a candidate as tried, and drops the decisions after it. */
  retry(branch: Branch, candidate: Solvable): void {
    branch.untried.delete(candidate);
    this.#branches.splice(this.#branches.indexOf(branch) + 1);
  }
}
