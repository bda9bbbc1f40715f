import { CygstrapError } from '../../errors.ts';
import type { Dependency } from '../setup-ini/records.ts';
import type { Solvable } from './candidates.ts';
import type { Pool } from './pool.ts';
import { RuleSet, grown } from './rules.ts';

const FIRST_RULES = 1 << 10;

/** Some thirty times as many as all of Cygwin has; two versions of one name are one rule, so that they grow with its
 *  square. */
const MOST_RULES = 1 << 23;
const TOO_MANY = 'is this an index? some package of it has thousands of versions';

/** Runs up to this length are sorted in place, without a view and a callback for each. */
const SHORT_RUN = 16;

/** Adds what the packages themselves say, for every solvable that can come into play from the `roots`:
 *
 *  - A requires b: (-A | provider | provider...), or (-A) when nothing provides b
 *  - A conflicts with b: (-A | -B) for every provider B of b
 *  - A obsoletes b: (-A | -B) for every B of that name
 *  - two of one name: (-A | -B)
 *
 *  and puts the rules into the order that libsolv's `solver_unifyrules` gives them, without repetition: decisions are
 *  made in the order of rules, so the order is part of the answer.
 *  Source: libsolv src/rules.c `solver_addpkgrulesforsolvable`. */
export function packageRules(pool: Pool, roots: Iterable<Solvable>): RuleSet {
  const collector = new Collector(pool);
  for (const root of roots) collector.visitFrom(root);
  return collector.sorted();
}

class Collector {
  readonly #pool: Pool;
  readonly #seen: Uint8Array;
  /** One entry a rule: its first literal, either the offset of a list (positive) or a second literal (zero or
   *  negative), and the second literal in either case. */
  #first = new Int32Array(FIRST_RULES);
  #rest = new Int32Array(FIRST_RULES);
  #second = new Int32Array(FIRST_RULES);
  #count = 0;
  readonly #literals = new RuleSet();
  readonly #stored = new Map<readonly Solvable[], number>();
  /** By the number of `Needs`: where the literals of each requirement are stored, once they are; 0 before. */
  readonly #offsets: Int32Array[] = [];

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#seen = new Uint8Array(pool.end);
  }

  visitFrom(root: Solvable): void {
    const work = [root];
    for (let s = work.pop(); s !== undefined; s = work.pop()) {
      if (this.#seen[s] === 1) continue;
      this.#seen[s] = 1;
      this.#requires(s, work);
      this.#conflicts(s);
      this.#obsoletes(s);
      this.#sameName(s);
    }
  }

  #requires(s: Solvable, work: Solvable[]): void {
    const { number, met } = this.#pool.needs(s);
    const offsets = (this.#offsets[number] ??= new Int32Array(met.length));
    for (let i = 0; i < met.length; i++) {
      const providers = met[i]!;
      if (providers.length === 0) this.#add(-s, 0);
      else if (!providers.includes(s)) {
        if (offsets[i] === 0) {
          offsets[i] = this.#list(providers);
          for (const provider of providers) if (this.#seen[provider] === 0) work.push(provider);
        }
        this.#add(-s, offsets[i]!);
      }
    }
  }

  #list(providers: readonly Solvable[]): number {
    let offset = this.#stored.get(providers);
    if (offset === undefined) {
      offset = this.#literals.store(providers);
      this.#stored.set(providers, offset);
    }
    return offset;
  }

  #conflicts(s: Solvable): void {
    // A package that conflicts with itself means the others.
    for (const dependency of this.#pool.conflicts(s)) this.#exclude(s, this.#pool.providers(dependency));
  }

  #obsoletes(s: Solvable): void {
    for (const dependency of this.#pool.obsoletes(s)) this.#exclude(s, this.#pool.obsoletedBy(dependency));
  }

  #sameName(s: Solvable): void {
    const namesakes = this.#pool.namesakes(s);
    if (namesakes.length < 2) return;
    const name = this.#pool.name(s);
    const isInstalled = this.#pool.isInstalled(s);
    for (const other of namesakes) {
      if (other === s || this.#pool.name(other) !== name) continue;
      if (isInstalled && !this.#pool.isInstalled(other)) continue;
      if (this.#seen[other] === 1 && !this.#pool.isInstalled(other)) continue; // added when the other was visited
      this.#add(-Math.max(s, other), -Math.min(s, other));
    }
  }

  #exclude(s: Solvable, others: readonly Solvable[]): void {
    for (const other of others) if (other !== s) this.#add(-Math.max(s, other), -Math.min(s, other));
  }

  #add(first: number, rest: number): void {
    const rule = this.#count++;
    if (rule === this.#first.length) {
      if (rule >= MOST_RULES)
        throw new CygstrapError('limit', `more than ${MOST_RULES} rules between packages`, { hint: TOO_MANY });
      this.#first = grown(this.#first, rule * 2);
      this.#rest = grown(this.#rest, rule * 2);
      this.#second = grown(this.#second, rule * 2);
    }
    this.#first[rule] = first;
    this.#rest[rule] = rest;
    this.#second[rule] = rest > 0 ? this.#literals.literals[rest]! : rest;
  }

  sorted(): RuleSet {
    const order = this.#order();
    const result = this.#literals;
    result.reserve(order.length);
    let last = -1;
    for (const i of order) {
      if (last >= 0 && this.#compare(last, i) === 0) continue;
      last = i;
      const first = this.#first[i]!;
      const rest = this.#rest[i]!;
      if (rest > 0 && result.literals[rest + 1] !== 0) result.addStored(first, rest);
      else result.addBinary(first, this.#second[i]!);
    }
    return result;
  }

  /** Numbers of the collected rules, sorted: put into a bucket for each first literal, then each bucket by the rest. */
  #order(): Int32Array {
    const count = this.#count;
    const { end } = this.#pool;
    const ends = new Int32Array(end); // every rule begins with the absence of something, from -end on
    for (let i = 0; i < count; i++) ends[this.#first[i]! + end]!++;
    for (let i = 1, sum = ends[0]!; i < ends.length; i++) ends[i] = sum += ends[i]!;
    const order = new Int32Array(count);
    for (let i = count - 1; i >= 0; i--) order[--ends[this.#first[i]! + end]!] = i;
    for (let i = 0; i < ends.length; i++) this.#sortBucket(order, ends[i]!, ends[i + 1] ?? count);
    return order;
  }

  #sortBucket(order: Int32Array, start: number, end: number): void {
    if (end - start > SHORT_RUN) order.subarray(start, end).sort((a, b) => this.#compare(a, b));
    else this.#insertionSort(order, start, end);
  }

  #insertionSort(order: Int32Array, start: number, end: number): void {
    for (let i = start + 1; i < end; i++) {
      const moved = order[i] ?? 0;
      let at = i;
      for (; at > start && this.#compare(order[at - 1] ?? 0, moved) > 0; at--) order[at] = order[at - 1] ?? 0;
      order[at] = moved;
    }
  }

  /** Source: libsolv src/rules.c `unifyrules_sortcmp`. */
  #compare(a: number, b: number): number {
    const byFirst = this.#first[a]! - this.#first[b]!;
    if (byFirst !== 0) return byFirst;
    const bySecond = this.#second[a]! - this.#second[b]!;
    if (bySecond !== 0) return bySecond;
    let i = this.#rest[a]!;
    let j = this.#rest[b]!;
    if (i === j) return 0;
    const { literals } = this.#literals;
    while (literals[j] !== 0) {
      const d = (literals[i++] ?? 0) - (literals[j++] ?? 0);
      if (d !== 0) return d;
    }
    return literals[i] ?? 0;
  }
}

/** What a package rule between two solvables or about one can come from, to explain it: the dependencies of `s` that
 *  make the rule with the given literals. */
export function reasonsOf(pool: Pool, literals: readonly number[]): RuleReason[] {
  const reasons: RuleReason[] = [];
  const negatives = literals.filter((literal) => literal < 0).map((literal) => -literal);
  const positives = literals.filter((literal) => literal > 0);
  for (const s of negatives) {
    if (negatives.length === 1) {
      for (const dependency of pool.requires(s)) {
        const providers = pool.providers(dependency);
        if (providers.length === positives.length && providers.every((provider, i) => provider === positives[i])) {
          reasons.push({ kind: providers.length === 0 ? 'nothing-provides' : 'requires', s, dependency });
        }
      }
      continue;
    }
    const other = negatives.find((each) => each !== s) ?? s;
    for (const dependency of pool.conflicts(s)) {
      if (pool.providers(dependency).includes(other)) reasons.push({ kind: 'conflicts', s, other, dependency });
    }
    for (const dependency of pool.obsoletes(s)) {
      if (pool.obsoletedBy(dependency).includes(other)) reasons.push({ kind: 'obsoletes', s, other, dependency });
    }
    if (pool.name(s) === pool.name(other) && s < other) reasons.push({ kind: 'one-version', s, other });
  }
  return reasons;
}

export interface RuleReason {
  readonly kind: 'requires' | 'nothing-provides' | 'conflicts' | 'obsoletes' | 'one-version';
  readonly s: Solvable;
  readonly other?: Solvable;
  readonly dependency?: Dependency;
}
