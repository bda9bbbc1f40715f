import type { RuleSet } from './rules.ts';

/** Decisions with levels, and unit propagation over watched literals.
 *
 *  The order of watches follows libsolv step by step: it decides which conflict is found first, and so which plan
 *  results if several are possible. Source: libsolv src/solver.c `propagate`. */
export class Propagation {
  readonly rules: RuleSet;
  /** For each solvable the level of its decision: positive to install it, negative not to, 0 for none. */
  readonly decisions: Int32Array;
  /** Decided literals in order. */
  readonly trail: number[] = [];
  /** The reason of each decision: a rule, or minus a rule (0 for none) for a free choice. */
  readonly why: number[] = [];
  /** One past the last solvable. */
  protected readonly end: number;
  readonly #watches: Int32Array;
  #propagated = 0;

  constructor(rules: RuleSet, end: number) {
    this.rules = rules;
    this.end = end;
    this.decisions = new Int32Array(end);
    this.#watches = new Int32Array(2 * end + 1);
    for (let rule = rules.count - 1; rule > 0; rule--) if (rules.watch2[rule] !== 0) this.watch(rule);
  }

  /** Adds a rule to the lists of its two watched literals. */
  protected watch(rule: number): void {
    const { rules } = this;
    const one = this.end + (rules.watch1[rule] ?? 0);
    rules.next1[rule] = this.#watches[one] ?? 0;
    this.#watches[one] = rule;
    const two = this.end + (rules.watch2[rule] ?? 0);
    rules.next2[rule] = this.#watches[two] ?? 0;
    this.#watches[two] = rule;
  }

  /** Returns whether a literal is decided and true. */
  isTrue(literal: number): boolean {
    return literal > 0 ? (this.decisions[literal] ?? 0) > 0 : (this.decisions[-literal] ?? 0) < 0;
  }

  /** Returns the undecided literals of a rule that is not fulfilled yet; undefined if it is fulfilled. */
  openLiterals(rule: number): number[] | undefined {
    const { decisions } = this;
    const open: number[] = [];
    for (const literal of this.rules.literalsOf(rule)) {
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

  /** Records a decision. `why`: see the field. */
  protected decide(literal: number, level: number, why: number): void {
    this.decisions[Math.abs(literal)] = literal > 0 ? level : -level;
    this.trail.push(literal);
    this.why.push(why);
  }

  /** Decides everything that follows from the decisions so far, at `level`. Returns the first violated rule, or 0. */
  propagate(level: number): number {
    const { decisions, trail, rules } = this;
    const { p: firsts, list: lists, watch1, watch2, next1, next2, disabled, literals } = rules;
    const watches = this.#watches;
    const middle = this.end;
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
        this.decide(other, level, rule);
        before = rule;
        rule = next;
      }
    }
    return 0;
  }

  /** Reverts all decisions above `level`. */
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

  /** Removes all decisions. */
  protected clear(): void {
    this.decisions.fill(0);
    this.trail.length = 0;
    this.why.length = 0;
    this.#propagated = 0;
  }

  /** Puts the second watch on the literal that was decided last, so that the rule is checked after that is reverted. */
  protected watchHighest(rule: number): void {
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
}
