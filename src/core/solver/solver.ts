import { SYSTEM, type Solvable } from './candidates.ts';
import { Branches, type Branch } from './branches.ts';
import type { RuleKinds } from './engine.ts';
import { Engine } from './engine.ts';
import { installedFirst, preferred } from './policy.ts';
import type { Pool } from './pool.ts';
import type { RuleSet } from './rules.ts';
import { setUpRules } from './rule-setup.ts';
import type { Job } from './rule-setup.ts';
import type { Solution, SolveOptions } from './solution.ts';
import type { Steps } from './steps.ts';

/** Finds a set of solvables that fulfills the jobs and keeps installed packages: a complete search with the decisions
 *  of libsolv in its order. Jobs that contradict each other or the packages are dropped and reported as problems; the
 *  rest is solved. Deterministic. Pauses after each decision. Source: libsolv src/solver.c `solver_solve`,
 *  `solver_run_sat`, with setup's flags. */
export function solve(pool: Pool, jobs: readonly Job[], options: SolveOptions): Steps<Solution> {
  return new Solver(pool, jobs, options).run();
}

class Solver {
  readonly #pool: Pool;
  readonly #rules: RuleSet;
  readonly #kinds: RuleKinds;
  readonly #engine: Engine;
  readonly #updateAll: boolean;
  readonly #replaced: ReadonlySet<Solvable>;
  readonly #orphaned: readonly Solvable[];
  readonly #branches = new Branches();
  #resolvingJobs = false;
  #installedPosition = 0;

  constructor(pool: Pool, jobs: readonly Job[], { updateAll, limit }: SolveOptions) {
    this.#pool = pool;
    this.#updateAll = updateAll;
    const { rules, kinds, origins, orphaned, replaced } = setUpRules(pool, jobs);
    this.#rules = rules;
    this.#kinds = kinds;
    this.#orphaned = orphaned;
    this.#replaced = replaced;
    this.#engine = new Engine(rules, kinds, { end: pool.end, limit });
    this.#engine.disableChoice = (rule) => this.#disableChoice(rule, origins);
  }

  #disableChoice(rule: number, origins: readonly number[]): void {
    const positives = (of: number): number[] => this.#rules.literalsOf(of).filter((literal) => literal > 0);
    const origin = (of: number): number => origins[of - this.#kinds.choice] ?? 0;
    const kept = new Set(positives(rule));
    const lost = new Set(positives(origin(rule)).filter((literal) => !kept.has(literal)));
    this.#engine.disable(rule);
    for (let other = this.#kinds.choice; other < this.#kinds.learnt; other++) {
      if (positives(origin(other)).some((literal) => lost.has(literal))) this.#engine.disable(other);
    }
  }

  *run(): Steps<Solution> {
    yield* this.#search();
    const { trail, problems, conflicts, isExhausted } = this.#engine;
    return {
      chosen: isExhausted ? [] : trail.filter((literal) => literal > SYSTEM),
      problems,
      rules: this.#rules,
      kinds: this.#kinds,
      conflicts,
      ...(isExhausted ? { unsettled: this.#engine.unsettled() } : {}),
    };
  }

  /** Runs the steps of the search until nothing is left to decide. Each step returns the level it ends at. A level
   *  below its start means that a rule was learnt, and the search continues from the first step. */
  *#search(): Steps<void> {
    let level = 0;
    let settled = 1; // level up to which jobs and installed packages are decided
    for (;;) {
      yield;
      if (level <= 0) {
        if (level < 0) return;
        this.#branches.clear();
        yield* this.#engine.decideAssertions();
        level = 1;
        const broken = this.#engine.propagate(level);
        if (broken !== 0) {
          level = this.#engine.recordProblem(broken);
          continue;
        }
        settled = level + 1;
      }
      if (level < settled) {
        this.#resolvingJobs = true;
        const after = yield* this.#resolveJobs(level);
        this.#resolvingJobs = false;
        const isBack = after < level;
        level = after;
        if (isBack) continue;
        settled = level + 1;
      }
      if (level < settled) {
        const after = yield* this.#resolveInstalled(level);
        const isBack = after < level;
        level = after;
        if (isBack) continue;
        settled = level + 1;
      }
      if (level < settled) settled = level;

      let before = level;
      level = yield* this.#resolveDependencies(level);
      if (level < before) continue;

      before = level;
      const orphans = this.#resolveOrphaned(level);
      level = orphans.level;
      if (orphans.isChanged) continue;

      before = level;
      const removed = this.#dropUndecided(level);
      level = removed.level;
      if (removed.isBack) continue;

      const better = this.#branches.better(this.#engine.decisions);
      if (better === undefined) return;
      level = this.#takeBranch(better.branch, better.candidate);
    }
  }

  #set(level: number, literal: number, rule: number): number {
    return this.#engine.setAndLearn(level, literal, rule, (reverted) => this.#branches.dropFrom(reverted));
  }

  /** Decides for the best of the candidates and records the others. */
  #select(level: number, candidates: readonly Solvable[], rule: number): number {
    let list = candidates.length > 1 ? preferred(this.#pool, candidates, { reorder: true }) : candidates.slice();
    if (list.length > 1 && this.#resolvingJobs && this.#hasUndecidedInstalled())
      list = installedFirst(this.#pool, list);
    const first = list[0] ?? 0;
    if (list.length > 1) this.#branches.push(level, list, rule);
    return this.#set(level, first, rule);
  }

  #hasUndecidedInstalled(): boolean {
    for (let s = this.#pool.firstInstalled; s < this.#pool.end; s++) {
      if (!this.#replaced.has(s) && this.#engine.decisions[s] === 0) return true;
    }
    return false;
  }

  *#resolveJobs(start: number): Steps<number> {
    let level = start;
    for (let rule = this.#kinds.job; rule < this.#kinds.choice; rule++) {
      if (this.#rules.disabled[rule] === 1) continue;
      let open = this.#engine.openLiterals(rule);
      if (open === undefined || open.length === 0) continue;
      if (open.length > 1 && !this.#updateAll) {
        const installed = open.filter((s) => this.#pool.isInstalled(s));
        if (installed.length > 0) open = installed;
      }
      const before = level;
      level = this.#select(level, open, rule);
      yield;
      if (level > before) continue;
      if (level === before) {
        rule--; // a rule was learnt: check the same rule again
        continue;
      }
      if (level < start) return level;
      rule = this.#kinds.job - 1;
    }
    return level;
  }

  /** Keeps installed packages, or updates them to their best version.
   *  Source: libsolv src/solver.c `resolve_installed`. */
  *#resolveInstalled(start: number): Steps<number> {
    const pool = this.#pool;
    const { decisions } = this.#engine;
    const count = pool.end - pool.firstInstalled;
    let level = start;
    for (;;) {
      const first = level;
      let done = 0;
      let i = this.#installedPosition; // the position of the last conflict
      for (; done < count; i++, done++) {
        if (i === count) i = 0;
        const s = pool.firstInstalled + i;
        if ((decisions[s] ?? 0) > 0) continue;
        const update = this.#kinds.update + i;
        let rule = update;
        if (this.#rules.p[rule] === 0 || this.#rules.disabled[rule] === 1) rule = this.#kinds.feature + i;
        if (this.#rules.p[rule] === 0) rule = update;
        if (this.#rules.p[rule] === 0) continue;
        if (!this.#replaced.has(s) && ((decisions[s] ?? 0) < 0 || this.#updateAll || this.#rules.p[rule] !== s)) {
          const literals = this.#rules.literalsOf(rule);
          const open = literals.some((literal) => (decisions[literal] ?? 0) > 0)
            ? []
            : literals.filter((literal) => decisions[literal] === 0);
          if (open.length > 0) {
            const before = level;
            level = this.#select(level, open, rule);
            yield;
            if (level <= before) {
              if (level < first) break;
              if (level < before) done = 0;
              i--;
              done--;
              continue;
            }
          }
        }
        if (decisions[s] === 0) {
          const before = level;
          level = this.#set(level, s, update);
          yield;
          if (level <= before) {
            if (level < first) break;
            if (level < before) done = 0;
            i--;
            done--;
          }
        }
      }
      if (done >= count) {
        this.#installedPosition = 0;
        return level;
      }
      this.#installedPosition = i;
      if (level < start) return level;
    }
  }

  /** Decides until every rule is fulfilled: first the rules with one clearly best candidate, then, from the first
   *  postponed one, the rules with a choice. Source: libsolv src/solver.c `resolve_dependencies`. */
  *#resolveDependencies(start: number): Steps<number> {
    const { decisions } = this.#engine;
    let level = start;
    let postponed = 0;
    let rule = 1;
    for (let done = 1; ; rule++, done++) {
      const rules = this.#rules;
      if (done >= rules.count) {
        if (postponed <= 0) return level;
        rule = postponed;
        postponed = -1;
        done = 1;
      }
      if (rule === rules.count) rule = 1;
      if (rules.disabled[rule] === 1) continue;
      const p = rules.p[rule] ?? 0;
      if (p < 0 && (rules.list[rule] === 0 || (decisions[-p] ?? 0) <= 0)) continue;
      if (rules.list[rule] === 0) {
        const second = rules.watch2[rule] ?? 0;
        if (second <= 0 || decisions[p] !== 0 || decisions[second] !== 0) continue;
      }
      const open = this.#engine.openLiterals(rule);
      if (open === undefined || open.length === 0) continue;
      if (open.length > 1 && postponed >= 0 && preferred(this.#pool, open, { reorder: false }).length > 1) {
        if (postponed === 0) postponed = rule;
        continue;
      }
      level = this.#select(level, open, rule);
      yield;
      if (level < start) return level;
      done = 0; // all rules must be checked again
    }
  }

  /** Keeps installed packages without another version in the index. */
  #resolveOrphaned(start: number): { level: number; isChanged: boolean } {
    let level = start;
    let isChanged = false;
    for (const s of this.#orphaned) {
      if (this.#engine.decisions[s] !== 0) continue;
      isChanged = true;
      const before = level;
      level = this.#set(level, s, 0);
      if (level < before) break;
    }
    return { level, isChanged };
  }

  #dropUndecided(start: number): { level: number; isBack: boolean } {
    let level = start;
    for (let s = this.#pool.firstInstalled; s < this.#pool.end; s++) {
      if (this.#engine.decisions[s] !== 0) continue;
      const before = level;
      level = this.#set(level, -s, 0);
      if (level < before) return { level, isBack: true };
    }
    return { level, isBack: false };
  }

  #takeBranch(branch: Branch, candidate: Solvable): number {
    if (!this.#engine.countConflict()) return -1;
    this.#engine.revert(branch.level);
    this.#branches.retry(branch, candidate);
    return this.#set(branch.level, candidate, branch.rule);
  }
}
