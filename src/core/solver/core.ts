/** Beyond this many clauses the shortest proof is not looked for: what was found is shown. */
const WORTH_SHRINKING = 400;

/** The clauses that still contradict each other when every clause that can be left out is left out, by number. The
 *  clauses given must contradict each other. Deterministic. */
export function minimalCore(clauses: readonly (readonly number[])[]): number[] {
  let kept = clauses.map((_, i) => i);
  if (kept.length > WORTH_SHRINKING || isSatisfiable(clauses)) return kept;
  for (let i = clauses.length - 1; i >= 0; i--) {
    const without = kept.filter((each) => each !== i);
    if (!isSatisfiable(without.map((each) => clauses[each] ?? []))) kept = without;
  }
  return kept;
}

/** Whether all clauses can hold at once: unit propagation and, where that leaves a choice, trying both ways. */
function isSatisfiable(clauses: readonly (readonly number[])[]): boolean {
  const value = new Map<number, boolean>();

  function holds(literal: number): boolean | undefined {
    const known = value.get(Math.abs(literal));
    return known === undefined ? undefined : known === literal > 0;
  }

  function propagate(set: number[]): boolean {
    for (let isStable = false; !isStable;) {
      isStable = true;
      for (const clause of clauses) {
        let open = 0;
        let count = 0;
        if (clause.some((literal) => holds(literal) === true)) continue;
        for (const literal of clause) {
          if (holds(literal) !== undefined) continue;
          open = literal;
          count++;
        }
        if (count === 0) return false;
        if (count > 1) continue;
        value.set(Math.abs(open), open > 0);
        set.push(Math.abs(open));
        isStable = false;
      }
    }
    return true;
  }

  function solve(): boolean {
    const set: number[] = [];
    if (propagate(set)) {
      const open = clauses
        .find((clause) => !clause.some((literal) => holds(literal) === true))
        ?.find((literal) => holds(literal) === undefined);
      if (open === undefined) return true;
      for (const choice of [open, -open]) {
        value.set(Math.abs(choice), choice > 0);
        if (solve()) return true;
        value.delete(Math.abs(choice));
      }
    }
    for (const s of set) value.delete(s);
    return false;
  }

  return solve();
}
