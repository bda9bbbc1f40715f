import { SYSTEM } from './candidates.ts';
import type { RuleSet } from './rules.ts';

/** Bounds of the kinds of rules, each from its first rule to one before the next kind's first. */
export interface RuleKinds {
  /** Rules from here on are not the packages' own. */
  readonly feature: number;
  readonly update: number;
  readonly job: number;
  readonly choice: number;
  readonly learnt: number;
}

/** A set of rules that cannot all hold, found and disabled. */
export interface Problem {
  /** Feature and update rules by number, jobs as -(job + 1). */
  readonly culprits: readonly number[];
  /** Every rule that the proof used, learnt ones already taken apart. */
  readonly proof: readonly number[];
}

/** The clause-learning search underneath the solver: decisions with levels, propagation over watched literals, analysis
 *  of conflicts, and finding what to give up when rules contradict each other for good.
 *
 *  It follows libsolv step by step where a step can be seen in the answer: the order of watches decides which conflict
 *  is met first, and so which plan comes out when several are possible. Source: libsolv src/solver.c `propagate`,
 *  `analyze`, `analyze_unsolvable`, `makeruledecisions`. */
export class Engine {
  readonly rules: RuleSet;
  readonly kinds: RuleKinds;
  /** For each solvable the level at which it was decided: positive to have it, negative not to, 0 undecided. */
  readonly decisions: Int32Array;
  /** Decided literals in order. */
  readonly trail: number[] = [];
  /** Why each was decided: a rule, or minus a rule (0 for none) where the search was free to choose. */
  readonly why: number[] = [];
  readonly problems: Problem[] = [];
  readonly #jobOfRule: readonly number[];
  readonly #end: number;
  readonly #watches: Int32Array;
  /** Rules of one literal, in order; learnt ones are added. */
  readonly #assertions: number[] = [];
  /** For each learnt rule, the rules it was derived from. */
  readonly #learntFrom: number[][] = [];
  readonly #seen: Uint8Array;
  #propagated = 0;

  /** @param jobOfRule for each job rule, from `kinds.job` on, the number of its job
   *  @param end one past the last solvable */
  constructor(rules: RuleSet, kinds: RuleKinds, jobOfRule: readonly number[], end: number) {
    this.rules = rules;
    this.kinds = kinds;
    this.#jobOfRule = jobOfRule;
    this.#end = end;
    this.decisions = new Int32Array(end);
    this.#seen = new Uint8Array(end);
    this.#watches = new Int32Array(2 * end + 1);
    for (let rule = rules.count - 1; rule > 0; rule--) if (rules.watch2[rule] !== 0) this.#watch(rule);
    for (let rule = 1; rule < rules.count; rule++)
      if (rules.p[rule] !== 0 && rules.isAssertion(rule)) this.#assertions.push(rule);
  }

  #watch(rule: number): void {
    const { rules } = this;
    const one = this.#end + (rules.watch1[rule] ?? 0);
    rules.next1[rule] = this.#watches[one] ?? 0;
    this.#watches[one] = rule;
    const two = this.#end + (rules.watch2[rule] ?? 0);
    rules.next2[rule] = this.#watches[two] ?? 0;
    this.#watches[two] = rule;
  }

  isTrue(literal: number): boolean {
    return literal > 0 ? (this.decisions[literal] ?? 0) > 0 : (this.decisions[-literal] ?? 0) < 0;
  }

  #decide(literal: number, level: number, why: number): void {
    this.decisions[Math.abs(literal)] = literal > 0 ? level : -level;
    this.trail.push(literal);
    this.why.push(why);
  }

  /** Draws all conclusions from the decisions so far, at `level`. Returns the first rule found broken, or 0. */
  propagate(level: number): number {
    const { decisions, trail, rules } = this;
    const { p: firsts, list: lists, watch1, watch2, next1, next2, disabled, literals } = rules;
    const watches = this.#watches;
    const middle = this.#end;
    const isFalse = (literal: number): boolean =>
      literal > 0 ? (decisions[literal] ?? 0) < 0 : (decisions[-literal] ?? 0) > 0;
    while (this.#propagated < trail.length) {
      const literal = -(trail[this.#propagated++] ?? 0); // has just become false
      // Where the number of the rule under `rule` is stored: 0 the head of the list, else a rule whose link it is.
      let before = 0;
      let rule = watches[middle + literal] ?? 0;
      while (rule !== 0) {
        const isFirst = watch1[rule] === literal;
        const next = (isFirst ? next1[rule] : next2[rule]) ?? 0;
        if (disabled[rule] === 1) {
          before = rule;
          rule = next;
          continue;
        }
        const other = (isFirst ? watch2[rule] : watch1[rule]) ?? 0;
        if (other > 0 ? (decisions[other] ?? 0) > 0 : (decisions[-other] ?? 0) < 0) {
          before = rule;
          rule = next;
          continue;
        }
        let at = lists[rule] ?? 0;
        if (at !== 0) {
          let found = firsts[rule] ?? 0;
          if (found === other || isFalse(found)) {
            for (found = literals[at] ?? 0; found !== 0; found = literals[++at] ?? 0)
              if (found !== other && !isFalse(found)) break;
          }
          if (found !== 0) {
            // Watch that literal instead: out of this list, to the head of its own.
            if (before === 0) watches[middle + literal] = next;
            else if (watch1[before] === literal) next1[before] = next;
            else next2[before] = next;
            const head = watches[middle + found] ?? 0;
            if (isFirst) {
              watch1[rule] = found;
              next1[rule] = head;
            } else {
              watch2[rule] = found;
              next2[rule] = head;
            }
            watches[middle + found] = rule;
            rule = next;
            continue;
          }
        }
        if (isFalse(other)) return rule;
        this.#decide(other, level, rule);
        before = rule;
        rule = next;
      }
    }
    return 0;
  }

  /** Takes back all decisions above `level`. */
  revert(level: number): void {
    while (this.trail.length > 0) {
      const s = Math.abs(this.trail[this.trail.length - 1] ?? 0);
      if (Math.abs(this.decisions[s] ?? 0) <= level) break;
      this.decisions[s] = 0;
      this.trail.pop();
      this.why.pop();
      this.#propagated = this.trail.length;
    }
  }

  /** Starts over, after rules were disabled. */
  reset(): void {
    this.decisions.fill(0);
    this.trail.length = 0;
    this.why.length = 0;
    this.#propagated = 0;
    this.#adaptLearnt();
  }

  /** A learnt rule holds only as long as all that it was derived from. */
  #adaptLearnt(): void {
    for (let rule = this.kinds.learnt; rule < this.rules.count; rule++) {
      const from = this.#learntFrom[rule - this.kinds.learnt] ?? [];
      this.rules.disabled[rule] = from.some((each) => this.rules.disabled[each] === 1) ? 1 : 0;
    }
  }

  /** Decides a literal at a new level (0: none, only propagates) and goes on until nothing contradicts. Returns the
   *  level reached, lower than before where a rule was learnt, or 0 when rules had to be disabled and all starts over.
   *  @param onRevert told the level that was gone back to, before the learnt literal is decided */
  setAndLearn(from: number, decision: number, why: number, onRevert: (level: number) => void): number {
    let level = from;
    if (decision !== 0) this.#decide(decision, ++level, -why);
    for (;;) {
      const broken = this.propagate(level);
      if (broken === 0) return level;
      if (level === 1) return this.giveUp(broken);
      level = this.#learn(level, broken, onRevert);
    }
  }

  /** Derives a rule from a conflict at `level`, goes back to where it decides something, and decides that. */
  #learn(level: number, broken: number, onRevert: (level: number) => void): number {
    const { decisions, trail, why, rules } = this;
    const seen = this.#seen;
    const others: number[] = [];
    const from: number[] = [];
    let rule = broken;
    let backTo = 1;
    let open = 0; // literals of this level still to look at
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
          // What is left is decided at level 1: it adds no literal, but belongs to the derivation.
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
      this.#watchHighest(learnt);
      this.#watch(learnt);
    }
    this.#decide(literal, backTo, learnt);
    return backTo;
  }

  /** Lets the second watch be on the literal decided last, so that the rule wakes when that is taken back. */
  #watchHighest(rule: number): void {
    let at = this.rules.list[rule] ?? 0;
    if (at === 0) return;
    let highest = 0;
    for (let literal = this.rules.literals[at] ?? 0; literal !== 0; literal = this.rules.literals[++at] ?? 0) {
      const level = Math.abs(this.decisions[Math.abs(literal)] ?? 0);
      if (level > highest) {
        highest = level;
        this.rules.watch2[rule] = literal;
      }
    }
  }

  /** The rules cannot all hold: records why, disables the last choice rule or else every job and update rule that takes
   *  part, and starts over. Returns 0, or -1 when there is nothing to disable. */
  giveUp(broken: number): number {
    const proof = this.#proofOf(broken);
    const choices = proof.filter((rule) => rule >= this.kinds.choice && rule < this.kinds.learnt);
    if (choices.length > 0) {
      this.disableChoice(choices.reduce((last, rule) => Math.max(last, rule)));
      this.reset();
      return 0;
    }
    const culprits = this.#culprits(proof);
    this.problems.push({ culprits, proof });
    if (culprits.length === 0) return -1;
    for (const culprit of culprits) this.disable(culprit);
    this.reset();
    return 0;
  }

  /** Set by the owner: which other choice rules go with one that is disabled. */
  disableChoice: (rule: number) => void = (rule) => this.disable(rule);

  /** Rules that lead to the conflict, each once, in the order met; learnt ones stand for what they were derived from.
   */
  #proofOf(broken: number): number[] {
    const proof = new Set<number>();
    const expand = (start: number): void => {
      const work = [start];
      for (let rule = work.pop(); rule !== undefined; rule = work.pop()) {
        if (proof.has(rule)) continue;
        proof.add(rule);
        if (rule < this.kinds.learnt) continue;
        for (const each of this.#learntFrom[rule - this.kinds.learnt] ?? []) work.push(each);
      }
    };
    const involved = new Uint8Array(this.#end);
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
    return [...proof].filter((rule) => rule < this.kinds.learnt);
  }

  #culprits(rules: readonly number[]): number[] {
    return [...new Set(rules.filter((rule) => rule >= this.kinds.feature).map((rule) => this.#asCulprit(rule)))];
  }

  #asCulprit(rule: number): number {
    return rule >= this.kinds.job && rule < this.kinds.choice
      ? -((this.#jobOfRule[rule - this.kinds.job] ?? 0) + 1)
      : rule;
  }

  /** Disables a rule, or all rules of a job given as -(job + 1). */
  disable(culprit: number): void {
    if (culprit > 0) this.rules.disabled[culprit] = 1;
    else
      this.#jobOfRule.forEach((job, i) => {
        if (job === -culprit - 1) this.rules.disabled[this.kinds.job + i] = 1;
      });
  }

  /** Decides everything that rules of a single literal ask for, at level 1. Where two contradict each other, the one
   *  that is not a package's own is disabled and all starts over; choice rules come last and just yield. */
  decideAssertions(): void {
    for (let isDone = false; !isDone;) {
      this.decisions.fill(0);
      this.trail.length = 0;
      this.why.length = 0;
      this.#decide(SYSTEM, 1, 0);
      isDone = this.#assertAll(false) && this.#assertAll(true);
      if (!isDone) this.#adaptLearnt();
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
        this.#decide(literal, 1, rule);
        continue;
      }
      if (rule >= this.kinds.learnt) {
        this.rules.disabled[rule] = 1;
        continue;
      }
      if (isChoice) this.disable(rule);
      else this.#contradiction(rule, literal);
      return false;
    }
    return true;
  }

  #contradiction(rule: number, literal: number): void {
    const opposite = this.why[this.trail.indexOf(-literal)] ?? 0;
    if (literal === -SYSTEM || opposite < this.kinds.feature) {
      const culprit = this.#asCulprit(rule);
      this.problems.push({ culprits: [culprit], proof: opposite > 0 ? [rule, opposite] : [rule] });
      this.disable(culprit);
      return;
    }
    const s = Math.abs(literal);
    const clashing: number[] = [];
    for (let each = this.kinds.feature; each < this.kinds.choice; each++) {
      if (this.rules.disabled[each] === 1 || !this.rules.isAssertion(each) || Math.abs(this.rules.p[each] ?? 0) !== s)
        continue;
      clashing.push(each);
    }
    const culprits = clashing.map((each) => this.#asCulprit(each));
    this.problems.push({ culprits, proof: clashing });
    for (const culprit of culprits) this.disable(culprit);
  }
}
