/** Clauses over literals: a positive number asks for a solvable, a negative one for its absence.
 *
 *  A rule is (p | w2) when it has at most two literals, w2 being 0 for an assertion, and (p | list...) when it has
 *  more; `list` is then an offset into `literals`, where it ends with 0. The two watched literals of every rule are
 *  chained into one list for each literal. Rule 0 is never used. */
export class RuleSet {
  count = 1;
  p = new Int32Array(1024);
  /** Offset of the other literals, or 0. */
  list = new Int32Array(1024);
  watch1 = new Int32Array(1024);
  watch2 = new Int32Array(1024);
  next1 = new Int32Array(1024);
  next2 = new Int32Array(1024);
  disabled = new Uint8Array(1024);
  literals = new Int32Array(4096);
  literalCount = 1;

  /** Makes room for `rules` more rules. */
  reserve(rules: number): void {
    const needed = this.count + rules;
    if (needed <= this.p.length) return;
    const size = Math.max(needed, this.p.length * 2);
    this.p = grown(this.p, size);
    this.list = grown(this.list, size);
    this.watch1 = grown(this.watch1, size);
    this.watch2 = grown(this.watch2, size);
    this.next1 = grown(this.next1, size);
    this.next2 = grown(this.next2, size);
    const disabled = new Uint8Array(size);
    disabled.set(this.disabled);
    this.disabled = disabled;
  }

  /** Stores literals and returns their offset. */
  store(literals: ArrayLike<number>): number {
    const needed = this.literalCount + literals.length + 1;
    if (needed > this.literals.length) this.literals = grown(this.literals, Math.max(needed, this.literals.length * 2));
    const offset = this.literalCount;
    this.literals.set(literals, offset);
    this.literalCount = needed;
    this.literals[needed - 1] = 0;
    return offset;
  }

  /** Adds (p | others...) and returns its number. */
  add(p: number, others: ArrayLike<number>): number {
    return others.length > 1 ? this.addStored(p, this.store(others)) : this.addBinary(p, others[0] ?? 0);
  }

  /** Adds (p | q), or the assertion (p) when q is 0. */
  addBinary(p: number, q: number): number {
    return this.#push(p, 0, q);
  }

  /** Adds (p | list...) with at least two literals at the offset. */
  addStored(p: number, offset: number): number {
    return this.#push(p, offset, this.literals[offset] ?? 0);
  }

  #push(p: number, list: number, second: number): number {
    this.reserve(1);
    const rule = this.count++;
    this.p[rule] = p;
    this.list[rule] = list;
    this.watch1[rule] = p;
    this.watch2[rule] = second;
    this.next1[rule] = 0;
    this.next2[rule] = 0;
    this.disabled[rule] = 0;
    return rule;
  }

  isAssertion(rule: number): boolean {
    return this.list[rule] === 0 && this.watch2[rule] === 0;
  }

  isEnabled(rule: number): boolean {
    return this.disabled[rule] === 0;
  }

  /** All literals, p first; of a placeholder none. */
  literalsOf(rule: number): number[] {
    const p = this.p[rule] ?? 0;
    if (p === 0) return [];
    const result = [p];
    let at = this.list[rule] ?? 0;
    if (at === 0) {
      const second = this.watch2[rule] ?? 0;
      if (second !== 0) result.push(second);
      return result;
    }
    for (let literal = this.literals[at] ?? 0; literal !== 0; literal = this.literals[++at] ?? 0) result.push(literal);
    return result;
  }
}

export function grown(array: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}
