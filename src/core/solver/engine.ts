import { SYSTEM } from './candidates.ts';
import { Propagation } from './propagation.ts';
import type { RuleSet } from './rules.ts';
import type { Steps } from './steps.ts';

/** The first rule of each kind; a kind ends before the first rule of the next. */
export interface RuleKinds {
  /** Rules before this one are those of the packages. */
  readonly feature: number;
  readonly update: number;
  readonly job: number;
  readonly choice: number;
  readonly learnt: number;
}

/** A set of contradicting rules, found and disabled. */
export interface Problem {
  /** The rules of installed packages and jobs in the proof. */
  readonly culprits: readonly number[];
  /** Every rule of the proof; learnt rules are replaced by those they were derived from. Empty if the proofs of earlier
   *  problems are too long together. */
  readonly proof: readonly number[];
}

/** Rules in all proofs after which the proofs of further problems are not kept: n packages that each require the next
 *  one would have n² rules in their proofs. */
const MAX_PROOF_RULES = 200_000;

/** Learnt rules that are counted to find what the last conflicts were about. */
const LAST_LEARNT = 1000;

/** Clause learning on top of propagation: analysis of conflicts, and what to disable when rules contradict each other.
 *  Source: libsolv src/solver.c `analyze`, `analyze_unsolvable`, `makeruledecisions`. */
export class Engine extends Propagation {
  readonly kinds: RuleKinds;
  readonly problems: Problem[] = [];
  #proofRules = 0;
  /** Rules of one literal, in order; learnt ones are added. */
  readonly #assertions: number[] = [];
  /** For each learnt rule, the rules it was derived from. */
  readonly #learntFrom: number[][] = [];
  readonly #seen: Uint8Array;
  readonly #limit: number;
  #conflicts = 0;

  /** @param options `end` one past the last solvable, `limit` the number of conflicts to give up after */
  constructor(rules: RuleSet, kinds: RuleKinds, options: { readonly end: number; readonly limit: number }) {
    super(rules, options.end);
    this.kinds = kinds;
    this.#limit = options.limit;
    this.#seen = new Uint8Array(options.end);
    for (let rule = 1; rule < rules.count; rule++)
      if (rules.p[rule] !== 0 && rules.isAssertion(rule)) this.#assertions.push(rule);
  }

  /** Removes all decisions after rules were disabled. */
  reset(): void {
    this.clear();
    this.#adaptLearnt();
  }

  /** Enables a learnt rule only if all rules it was derived from are enabled. */
  #adaptLearnt(): void {
    for (let rule = this.kinds.learnt; rule < this.rules.count; rule++) {
      const from = this.#learntFrom[rule - this.kinds.learnt] ?? [];
      this.rules.disabled[rule] = from.some((each) => this.rules.disabled[each] === 1) ? 1 : 0;
    }
  }

  /** Conflicts so far, and decisions that were retried with another candidate. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Whether there were more conflicts than the limit: the search ended without a result. */
  get isExhausted(): boolean {
    return this.#conflicts > this.#limit;
  }

  /** Counts a conflict. Returns false if that is one too many. */
  countConflict(): boolean {
    this.#conflicts++;
    return !this.isExhausted;
  }

  /** Returns the solvables of the last learnt rules, the most frequent first. */
  unsettled(): number[] {
    const counts = new Map<number, number>();
    const { learnt } = this.kinds;
    for (let rule = Math.max(learnt, this.rules.count - LAST_LEARNT); rule < this.rules.count; rule++) {
      for (const literal of this.rules.literalsOf(rule)) {
        const s = Math.abs(literal);
        if (s !== SYSTEM) counts.set(s, (counts.get(s) ?? 0) + 1);
      }
    }
    return [...counts].sort(([a, x], [b, y]) => y - x || a - b).map(([s]) => s);
  }

  /** Decides a literal at a new level (0: only propagates) and repeats until there is no conflict. Returns the level
   *  reached: lower than before if a rule was learnt, 0 if rules were disabled and the search must start again, -1 if
   *  there was nothing to disable or the limit of conflicts is reached.
   *  @param onRevert receives the level that was reverted to, before the learnt literal is decided */
  setAndLearn(from: number, decision: number, why: number, onRevert: (level: number) => void): number {
    let level = from;
    if (decision !== 0) this.decide(decision, ++level, -why);
    for (;;) {
      const broken = this.propagate(level);
      if (broken === 0) return level;
      if (level === 1) return this.recordProblem(broken);
      if (!this.countConflict()) return -1;
      level = this.#learn(level, broken, onRevert);
    }
  }

  /** Derives a rule from a conflict at `level`, reverts to the level where it decides a literal, and decides it. */
  #learn(level: number, broken: number, onRevert: (level: number) => void): number {
    const { decisions, trail, why, rules } = this;
    const seen = this.#seen;
    const others: number[] = [];
    const from: number[] = [];
    let rule = broken;
    let backTo = 1;
    let open = 0; // literals of this level that are not analyzed yet
    let openAtOne = 0;
    let literal = 0;
    let at = trail.length;

    const nextSeen = (): number => {
      let found = 0;
      do found = trail[--at] ?? 0;
      while (found !== 0 && seen[Math.abs(found)] === 0);
      seen[Math.abs(found)] = 0;
      return found;
    };

    collect: for (;;) {
      from.push(rule);
      for (const each of rules.literalsOf(rule)) {
        const s = Math.abs(each);
        if (this.isTrue(each) || seen[s] === 1) continue;
        seen[s] = 1;
        const decided = Math.abs(decisions[s] ?? 0);
        if (decided === 1) openAtOne++;
        else if (decided === level) open++;
        else {
          others.push(each);
          backTo = Math.max(backTo, decided);
        }
      }
      for (;;) {
        if (open === 0 && --openAtOne <= 0) break collect;
        const found = nextSeen();
        if (open > 0 && --open === 0) {
          literal = -found;
          if (openAtOne === 0) break collect;
          // The rest was decided at level 1: it adds no literal, but is part of the derivation.
          for (const each of others) seen[Math.abs(each)] = 0;
          openAtOne++;
          continue;
        }
        rule = why[at] ?? 0;
        if (rule > 0) break;
      }
    }
    seen.fill(0);

    this.revert(backTo);
    onRevert(backTo);
    const learnt = rules.add(literal, others);
    this.#learntFrom.push(from);
    if (rules.isAssertion(learnt)) this.#assertions.push(learnt);
    else {
      this.watchHighest(learnt);
      this.watch(learnt);
    }
    this.decide(literal, backTo, learnt);
    return backTo;
  }

  /** Records a contradiction of the rules, disables the last choice rule or else every job and update rule in its
   *  proof, and removes all decisions. Returns 0, or -1 if there is nothing to disable. */
  recordProblem(broken: number): number {
    const proof = this.#proofOf(broken);
    const choices = proof.filter((rule) => rule >= this.kinds.choice && rule < this.kinds.learnt);
    if (choices.length > 0) {
      this.disableChoice(choices.reduce((last, rule) => Math.max(last, rule)));
      this.reset();
      return 0;
    }
    const culprits = proof.filter((rule) => rule >= this.kinds.feature);
    this.problems.push({ culprits, proof: this.#proofRules > MAX_PROOF_RULES ? [] : proof });
    this.#proofRules += proof.length;
    if (culprits.length === 0) return -1;
    for (const culprit of culprits) this.disable(culprit);
    this.reset();
    return 0;
  }

  /** Set by the owner: disables a choice rule and those that depend on it. */
  disableChoice: (rule: number) => void = (rule) => this.disable(rule);

  /** Returns the rules that lead to the conflict, each once, in the order found; learnt rules are replaced by those
   *  they were derived from. */
  #proofOf(broken: number): number[] {
    const proof: number[] = [];
    const isExpanded = new Uint8Array(this.rules.count);
    const expand = (start: number): void => {
      const work = [start];
      for (let rule = work.pop(); rule !== undefined; rule = work.pop()) {
        if (isExpanded[rule] === 1) continue;
        isExpanded[rule] = 1;
        if (rule < this.kinds.learnt) proof.push(rule);
        else for (const each of this.#learntFrom[rule - this.kinds.learnt] ?? []) work.push(each);
      }
    };
    const involved = new Uint8Array(this.end);
    const involve = (rule: number): void => {
      expand(rule);
      for (const literal of this.rules.literalsOf(rule)) if (!this.isTrue(literal)) involved[Math.abs(literal)] = 1;
    };
    involve(broken);
    for (let at = this.trail.length - 1; at >= 0; at--) {
      const s = Math.abs(this.trail[at] ?? 0);
      const rule = this.why[at] ?? 0;
      if (s !== SYSTEM && involved[s] === 1 && rule > 0) involve(rule);
    }
    return proof;
  }

  disable(rule: number): void {
    this.rules.disabled[rule] = 1;
  }

  /** Decides the literals of all rules with a single literal, at level 1. Of two contradicting rules, the one that no
   *  package added is disabled; the decisions start again if it had decided something. Choice rules come last. */
  *decideAssertions(): Steps<void> {
    for (;;) {
      this.clear();
      this.decide(SYSTEM, 1, 0);
      if (this.#assertAll(false) && this.#assertAll(true)) return;
      this.#adaptLearnt();
      yield;
    }
  }

  #assertAll(choices: boolean): boolean {
    for (const rule of this.#assertions) {
      if (this.rules.disabled[rule] === 1) continue;
      const isChoice = rule >= this.kinds.choice && rule < this.kinds.learnt;
      if (isChoice !== choices) continue;
      const literal = this.rules.p[rule] ?? 0;
      if (this.isTrue(literal)) continue;
      if (this.decisions[Math.abs(literal)] === 0) {
        this.decide(literal, 1, rule);
        continue;
      }
      if (rule >= this.kinds.learnt) {
        this.rules.disabled[rule] = 1;
        continue;
      }
      if (isChoice) this.disable(rule);
      else if (this.#isOwnContradiction(rule, literal)) continue;
      else this.#contradiction(literal);
      return false;
    }
    return true;
  }

  /** Whether a rule contradicts the packages. If so, disables it; nothing was decided because of it. */
  #isOwnContradiction(rule: number, literal: number): boolean {
    const opposite = this.why[this.trail.indexOf(-literal)] ?? 0;
    if (literal !== -SYSTEM && opposite >= this.kinds.feature) return false;
    this.problems.push({ culprits: [rule], proof: opposite > 0 ? [rule, opposite] : [rule] });
    this.disable(rule);
    this.#adaptLearnt();
    return true;
  }

  /** Disables all rules of jobs and installed packages about a solvable that contradict each other. */
  #contradiction(literal: number): void {
    const s = Math.abs(literal);
    const conflicting: number[] = [];
    for (let each = this.kinds.feature; each < this.kinds.choice; each++) {
      if (this.rules.disabled[each] === 1 || !this.rules.isAssertion(each) || Math.abs(this.rules.p[each] ?? 0) !== s)
        continue;
      conflicting.push(each);
    }
    this.problems.push({ culprits: conflicting, proof: conflicting });
    for (const each of conflicting) this.disable(each);
  }
}
