import { SYSTEM, type Solvable } from './candidates.ts';
import { choiceRules } from './choice-rules.ts';
import type { Problem, RuleKinds } from './engine.ts';
import { Engine } from './engine.ts';
import { packageRules } from './package-rules.ts';
import { installedFirst, preferred } from './policy.ts';
import type { Pool } from './pool.ts';
import type { RuleSet } from './rules.ts';
import { updateCandidates } from './updates.ts';

/** One wish: any version of what bears or provides a name, or one version exactly. */
export type Job =
  { readonly kind: 'any'; readonly name: string } | { readonly kind: 'exact'; readonly solvable: Solvable };

export interface Solution {
  /** What is to be there in the end, in the order decided. */
  readonly chosen: readonly Solvable[];
  readonly problems: readonly Problem[];
  readonly rules: RuleSet;
  readonly kinds: RuleKinds;
  /** For each job rule, from `kinds.job` on, the number of its job. */
  readonly jobOfRule: readonly number[];
}

/** Finds what to install for the jobs, keeping what is installed: a complete search that decides in libsolv's order.
 *  Jobs that contradict each other or the packages are dropped and reported as problems, the rest is solved.
 *  Deterministic. `updateAll` also brings installed packages to their best version.
 *  Source: libsolv src/solver.c `solver_solve`, `solver_run_sat`, with setup's flags. */
export function solve(pool: Pool, jobs: readonly Job[], options: { updateAll: boolean }): Solution {
  return new Solver(pool, jobs, options.updateAll).run();
}

/** A choice that was open: candidates left when one was taken, with what is needed to take another instead. */
interface Branch {
  readonly level: number;
  readonly candidates: Solvable[];
  /** Those not tried yet. */
  readonly untried: Set<Solvable>;
  readonly rule: number;
}

class Solver {
  readonly #pool: Pool;
  readonly #rules: RuleSet;
  readonly #kinds: RuleKinds;
  readonly #engine: Engine;
  readonly #jobOfRule: number[] = [];
  readonly #updateAll: boolean;
  /** Installed packages that a job replaces by an exact version: they are not kept. */
  readonly #replaced = new Set<Solvable>();
  readonly #orphaned: Solvable[] = [];
  readonly #branches: Branch[] = [];
  #resolvingJobs = false;
  #installedPosition = 0;

  constructor(pool: Pool, jobs: readonly Job[], updateAll: boolean) {
    this.#pool = pool;
    this.#updateAll = updateAll;
    const installed = pool.installed();
    const candidates = jobs.map((job) => (job.kind === 'exact' ? [job.solvable] : pool.providersOfName(job.name)));
    const updates = installed.map((s) => ({
      all: updateCandidates(pool, s, { downgrades: true }),
      up: updateCandidates(pool, s, { downgrades: false }),
    }));
    const roots = [...installed, ...updates.flatMap(({ all }) => all), ...candidates.flat()];
    const rules = packageRules(pool, roots);
    this.#rules = rules;

    const feature = rules.count;
    installed.forEach((s, i) => rules.add(s, updates[i]?.all ?? []));
    const update = rules.count;
    installed.forEach((s, i) => this.#addUpdateRule(s, updates[i]?.up ?? [], feature + i));
    const job = rules.count;
    candidates.forEach((list, i) => {
      if (list.length === 0) rules.addBinary(-SYSTEM, 0);
      else rules.add(list[0] ?? 0, list.slice(1));
      this.#jobOfRule.push(i);
    });
    const choice = rules.count;
    const origins = choiceRules(pool, rules, { feature, update });
    this.#kinds = { feature, update, job, choice, learnt: rules.count };
    this.#engine = new Engine(rules, this.#kinds, this.#jobOfRule, pool.end);
    this.#engine.disableChoice = (rule) => this.#disableChoice(rule, origins);
    for (const each of jobs) if (each.kind === 'exact') this.#replaceInstalled(each.solvable);
  }

  /** The update rule keeps a package or a better version of it. The feature rule, which also admits older ones, only
   *  counts when the update rule has been disabled. */
  #addUpdateRule(s: Solvable, candidates: readonly Solvable[], feature: number): void {
    const rules = this.#rules;
    const rule = rules.add(s, candidates);
    if (rules.isAssertion(feature)) this.#orphaned.push(s);
    const same = rules.literalsOf(rule).join() === rules.literalsOf(feature).join();
    if (same) {
      rules.p[feature] = 0;
      rules.watch1[feature] = 0;
      rules.watch2[feature] = 0;
      rules.list[feature] = 0;
    } else rules.disabled[feature] = 1;
  }

  /** An exact version asked for takes the place of what it obsoletes or shares the name with, whatever the update rule
   *  says. Source: libsolv src/rules.c `jobtodisablelist`. */
  #replaceInstalled(wanted: Solvable): void {
    const pool = this.#pool;
    if (pool.isInstalled(wanted)) return;
    const replaced = pool
      .installed()
      .filter(
        (s) =>
          pool.name(s) === pool.name(wanted) ||
          pool.obsoletes(wanted).some((dependency) => pool.obsoletedBy(dependency).includes(s)),
      );
    for (const s of replaced) {
      this.#replaced.add(s);
      const offset = s - pool.firstInstalled;
      this.#rules.disabled[this.#kinds.update + offset] = 1;
      this.#rules.disabled[this.#kinds.feature + offset] = 1;
    }
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

  run(): Solution {
    this.#search();
    const chosen = this.#engine.trail.filter((literal) => literal > SYSTEM);
    return {
      chosen,
      problems: this.#engine.problems,
      rules: this.#rules,
      kinds: this.#kinds,
      jobOfRule: this.#jobOfRule,
    };
  }

  /** Each step returns the level it ends at; one below where it began means that something was learnt, so that all
   *  earlier steps may have more to do. */
  #search(): void {
    let level = 0;
    let settled = 1; // level up to which jobs and installed packages are dealt with
    for (;;) {
      if (level <= 0) {
        if (level < 0) return;
        this.#branches.length = 0;
        this.#engine.decideAssertions();
        level = 1;
        const broken = this.#engine.propagate(level);
        if (broken !== 0) {
          level = this.#engine.giveUp(broken);
          continue;
        }
        settled = level + 1;
      }
      if (level < settled) {
        this.#resolvingJobs = true;
        const after = this.#resolveJobs(level);
        this.#resolvingJobs = false;
        const isBack = after < level;
        level = after;
        if (isBack) continue;
        settled = level + 1;
      }
      if (level < settled) {
        const after = this.#resolveInstalled(level);
        const isBack = after < level;
        level = after;
        if (isBack) continue;
        settled = level + 1;
      }
      if (level < settled) settled = level;

      let before = level;
      level = this.#resolveDependencies(level);
      if (level < before) continue;

      before = level;
      const orphans = this.#resolveOrphaned(level);
      level = orphans.level;
      if (orphans.isChanged) continue;

      before = level;
      const removed = this.#dropUndecided(level);
      level = removed.level;
      if (removed.isBack) continue;

      const better = this.#betterBranch();
      if (better === undefined) return;
      level = this.#takeBranch(better.branch, better.candidate);
    }
  }

  #set(level: number, literal: number, rule: number): number {
    return this.#engine.setAndLearn(level, literal, rule, this.#dropBranches);
  }

  readonly #dropBranches = (level: number): void => {
    while ((this.#branches.at(-1)?.level ?? -1) >= level) this.#branches.pop();
  };

  /** Takes the best of the candidates; where several are left, remembers the others. */
  #select(level: number, candidates: readonly Solvable[], rule: number): number {
    let list = candidates.length > 1 ? preferred(this.#pool, candidates, { reorder: true }) : candidates.slice();
    if (list.length > 1 && this.#resolvingJobs && this.#hasUndecidedInstalled())
      list = installedFirst(this.#pool, list);
    const first = list[0] ?? 0;
    if (list.length > 1) this.#branches.push({ level, candidates: list, untried: new Set(list.slice(1)), rule });
    return this.#set(level, first, rule);
  }

  #hasUndecidedInstalled(): boolean {
    for (let s = this.#pool.firstInstalled; s < this.#pool.end; s++) {
      if (!this.#replaced.has(s) && this.#engine.decisions[s] === 0) return true;
    }
    return false;
  }

  /** Undecided literals of a rule that nothing fulfils yet; undefined when it is fulfilled. */
  #openLiterals(rule: number): Solvable[] | undefined {
    const { decisions } = this.#engine;
    const open: Solvable[] = [];
    for (const literal of this.#rules.literalsOf(rule)) {
      if (literal < 0) {
        if ((decisions[-literal] ?? 0) <= 0) return undefined;
        continue;
      }
      const decided = decisions[literal] ?? 0;
      if (decided > 0) return undefined;
      if (decided === 0) open.push(literal);
    }
    return open;
  }

  #resolveJobs(start: number): number {
    let level = start;
    for (let rule = this.#kinds.job; rule < this.#kinds.choice; rule++) {
      if (this.#rules.disabled[rule] === 1) continue;
      let open = this.#openLiterals(rule);
      if (open === undefined || open.length === 0) continue;
      if (open.length > 1 && !this.#updateAll) {
        const installed = open.filter((s) => this.#pool.isInstalled(s));
        if (installed.length > 0) open = installed;
      }
      const before = level;
      level = this.#select(level, open, rule);
      if (level > before) continue;
      if (level === before) {
        rule--; // something was learnt: look at the same rule again
        continue;
      }
      if (level < start) return level;
      rule = this.#kinds.job - 1;
    }
    return level;
  }

  /** Keeps installed packages, or brings them to their best version.
   *  Source: libsolv src/solver.c `resolve_installed`. */
  #resolveInstalled(start: number): number {
    const pool = this.#pool;
    const { decisions } = this.#engine;
    const count = pool.end - pool.firstInstalled;
    let level = start;
    for (;;) {
      const first = level;
      let done = 0;
      let i = this.#installedPosition; // where there was trouble the last time
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

  /** Goes through all rules until every one is fulfilled: first those where one candidate is clearly best, then, from
   *  the first put aside, those that leave a choice. Source: libsolv src/solver.c `resolve_dependencies`. */
  #resolveDependencies(start: number): number {
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
      const open = this.#openLiterals(rule);
      if (open === undefined || open.length === 0) continue;
      if (open.length > 1 && postponed >= 0 && preferred(this.#pool, open, { reorder: false }).length > 1) {
        if (postponed === 0) postponed = rule;
        continue;
      }
      level = this.#select(level, open, rule);
      if (level < start) return level;
      done = 0; // something changed, so all rules count again
    }
  }

  /** Keeps installed packages of which the index has no other version. */
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

  /** The earliest choice of which another candidate came in anyway, later: taking that one may need less in all.
   *  Source: libsolv src/solver.c, the minimization step of `solver_run_sat`. */
  #betterBranch(): { branch: Branch; candidate: Solvable } | undefined {
    for (const branch of this.#branches) {
      for (const candidate of branch.candidates) {
        if (branch.untried.has(candidate) && (this.#engine.decisions[candidate] ?? 0) > branch.level)
          return { branch, candidate };
      }
    }
    return undefined;
  }

  #takeBranch(branch: Branch, candidate: Solvable): number {
    branch.untried.delete(candidate);
    this.#engine.revert(branch.level);
    this.#branches.splice(this.#branches.indexOf(branch) + 1);
    return this.#set(branch.level, candidate, branch.rule);
  }
}
