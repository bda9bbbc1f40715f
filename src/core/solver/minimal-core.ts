import type { Steps } from './steps.ts';

/** A proof with more clauses than this is not minimized. */
const MAX_CLAUSES = 400;

/** How many assignments of one literal in one clause the checks may still make. */
export interface CheckBudget {
  left: number;
}

/** Returns a budget for the checks of all proofs of one request: about a second. */
export function checkBudget(): CheckBudget {
  return { left: 4_000_000 };
}

/** Reduces contradictory clauses to a minimal contradictory subset: every clause that the contradiction does not need
 *  is removed, the last one first. Returns the positions of the clauses that remain, ascending. Keeps the remaining
 *  clauses when the budget is spent, and all of more than 400 clauses. Pauses before each check. Deterministic; not
 *  recursive. */
export function* minimalCore(
  clauses: readonly (readonly number[])[],
  budget: CheckBudget = checkBudget(),
): Steps<number[]> {
  const all = clauses.map((_, i) => i);
  if (clauses.length > MAX_CLAUSES) return all;
  const checker = new Checker(clauses, budget);
  if (!checker.isContradictory()) return all;
  for (let i = clauses.length - 1; i >= 0; i--) {
    yield;
    checker.isActive[i] = 0;
    if (!checker.isContradictory()) checker.isActive[i] = 1;
  }
  return all.filter((i) => checker.isActive[i] === 1);
}

/** A literal that was chosen, not derived. */
interface Choice {
  readonly literal: number;
  /** Length of the trail before the choice. */
  readonly trailLength: number;
  /** All active clauses before this one were satisfied at the choice. */
  readonly firstOpen: number;
  /** The opposite literal was tried before. */
  readonly isLast: boolean;
}

/** Decides whether the active clauses contradict each other: unit propagation with counters, then both values of a
 *  literal. */
class Checker {
  readonly isActive: Uint8Array;
  readonly #clauses: readonly (readonly number[])[];
  /** Clauses that contain a literal. */
  readonly #occurrences = new Map<number, number[]>();
  /** True and undecided literals of each clause. */
  readonly #trueCount: Int32Array;
  readonly #openCount: Int32Array;
  readonly #assigned = new Set<number>();
  readonly #trail: number[] = [];
  #propagated = 0;
  readonly #budget: CheckBudget;

  constructor(clauses: readonly (readonly number[])[], budget: CheckBudget) {
    this.#clauses = clauses;
    this.#budget = budget;
    this.isActive = new Uint8Array(clauses.length).fill(1);
    this.#trueCount = new Int32Array(clauses.length);
    this.#openCount = new Int32Array(clauses.length);
    clauses.forEach((clause, i) => {
      this.#openCount[i] = clause.length;
      for (const literal of clause) {
        const known = this.#occurrences.get(literal);
        if (known === undefined) this.#occurrences.set(literal, [i]);
        else known.push(i);
      }
    });
  }

  /** False as well if the budget is spent. */
  isContradictory(): boolean {
    const result = this.#search();
    this.#revert(0);
    return result;
  }

  #search(): boolean {
    const choices: Choice[] = [];
    let firstOpen = 0;
    let isConsistent = this.#assignUnits();
    for (;;) {
      if (this.#budget.left < 0) return false;
      if (isConsistent) {
        firstOpen = this.#nextOpen(firstOpen);
        const literal = this.#clauses[firstOpen]?.find((each) => !this.#isAssigned(each));
        if (literal === undefined) return false;
        choices.push({ literal, trailLength: this.#trail.length, firstOpen, isLast: false });
        this.#assign(literal);
      } else {
        let choice = choices.pop();
        while (choice?.isLast === true) choice = choices.pop();
        if (choice === undefined) return true;
        this.#revert(choice.trailLength);
        firstOpen = choice.firstOpen;
        choices.push({ ...choice, literal: -choice.literal, isLast: true });
        this.#assign(-choice.literal);
      }
      isConsistent = this.#propagate();
    }
  }

  /** Position of the first active clause, from `start` on, that no literal satisfies yet. */
  #nextOpen(start: number): number {
    let at = start;
    while (at < this.#clauses.length && (this.isActive[at] === 0 || (this.#trueCount[at] ?? 0) > 0)) at++;
    return at;
  }

  #isAssigned(literal: number): boolean {
    return this.#assigned.has(literal) || this.#assigned.has(-literal);
  }

  #assign(literal: number): void {
    this.#assigned.add(literal);
    this.#trail.push(literal);
    for (const i of this.#occurrencesOf(literal)) {
      this.#trueCount[i]!++;
      this.#openCount[i]!--;
    }
    for (const i of this.#occurrencesOf(-literal)) this.#openCount[i]!--;
  }

  #revert(length: number): void {
    while (this.#trail.length > length) {
      const literal = this.#trail.pop() ?? 0;
      this.#assigned.delete(literal);
      for (const i of this.#occurrencesOf(literal)) {
        this.#trueCount[i]!--;
        this.#openCount[i]!++;
      }
      for (const i of this.#occurrencesOf(-literal)) this.#openCount[i]!++;
    }
    this.#propagated = length;
  }

  #occurrencesOf(literal: number): readonly number[] {
    const found = this.#occurrences.get(literal) ?? [];
    this.#budget.left -= found.length;
    return found;
  }

  #assignUnits(): boolean {
    for (let i = 0; i < this.#clauses.length; i++) if (!this.#deriveFrom(i)) return false;
    return this.#propagate();
  }

  /** Assigns what follows from the assignments so far. Returns whether no active clause is false. */
  #propagate(): boolean {
    for (; this.#propagated < this.#trail.length; this.#propagated++) {
      const literal = this.#trail[this.#propagated] ?? 0;
      for (const i of this.#occurrencesOf(-literal)) if (!this.#deriveFrom(i)) return false;
    }
    return true;
  }

  #deriveFrom(i: number): boolean {
    if (this.isActive[i] === 0 || (this.#trueCount[i] ?? 0) > 0) return true;
    const open = this.#openCount[i] ?? 0;
    if (open === 1) this.#assign(this.#clauses[i]?.find((each) => !this.#isAssigned(each)) ?? 0);
    return open > 0;
  }
}
