import { compareForMatch } from '../version/compare.ts';
import type { Solvable } from './candidates.ts';
import type { Pool } from './pool.ts';

/** Returns the preferred candidates: highest priority, then the best version of each name, then those that no
 *  other candidate obsoletes. With `reorder` the rest is put in order of preference, best first.
 *  Source: libsolv src/policy.c `policy_filter_unwanted`, POLICY_MODE_CHOOSE and POLICY_MODE_CHOOSE_NOREORDER. */
export function preferred(pool: Pool, candidates: readonly Solvable[], options: { reorder: boolean }): Solvable[] {
  let list = candidates.slice();
  if (list.length > 1) list = ofHighestPriority(pool, list);
  if (list.length > 1) list = bestVersions(pool, list);
  if (list.length > 1 && options.reorder) {
    list = oldOnesLast(pool, list);
    list = byCommonProvides(pool, list);
    list = installedFirst(pool, list);
  }
  return list;
}

function ofHighestPriority(pool: Pool, list: Solvable[]): Solvable[] {
  let best = -1;
  for (const s of list) if (!pool.isInstalled(s)) best = Math.max(best, pool.priority(s));
  return best < 0 ? list : list.filter((s) => pool.isInstalled(s) || pool.priority(s) === best);
}

/** One version of each name, names in byte order, without those that another of the rest obsoletes.
 *  Source: libsolv src/policy.c `prune_to_best_version`. */
function bestVersions(pool: Pool, list: Solvable[]): Solvable[] {
  const inOrder = (a: Solvable, b: Solvable): number => {
    const x = pool.name(a);
    const y = pool.name(b);
    if (x !== y) return x < y ? -1 : 1;
    return Number(pool.isInstalled(b)) - Number(pool.isInstalled(a)) || a - b;
  };
  // The versions of one name, the usual case, come in order.
  const sorted = list.every((s, i) => i === 0 || inOrder(list[i - 1] ?? 0, s) < 0) ? list : list.sort(inOrder);
  const best: Solvable[] = [];
  for (const s of sorted) {
    const last = best.at(-1);
    if (last === undefined || pool.name(last) !== pool.name(s)) best.push(s);
    else if (pool.compareVersions(last, s) < 0) best[best.length - 1] = s;
  }
  const rest = best.length === 1 ? best : notObsoleted(pool, best);
  return rest.length > 1 ? updatesFirst(pool, rest) : rest;
}

/** A node whose targets are not all visited. */
interface Visit {
  readonly node: number;
  readonly mine: number;
  readonly start: number;
  readonly targets: readonly number[];
  next: number;
}

/** Removes members that another member obsoletes. Of members that obsolete each other in a cycle, those of the cycle
 *  reached first remain. Not recursive: an index can have thousands of packages that obsolete each other.
 *  Source: libsolv src/policy.c `prune_obsoleted`, a variant of Tarjan's algorithm. */
function notObsoleted(pool: Pool, list: Solvable[]): Solvable[] {
  const at = new Map(list.map((s, i) => [s, i]));
  const GONE = -1;
  const low: number[] = list.map(() => 0);
  const stack: number[] = [];
  let index = 1;
  let first = 0;
  let depth = 0;

  const targetsOf = (node: number): number[] => {
    const s = list[node] ?? 0;
    return pool
      .obsoletes(s)
      .flatMap((dependency) => pool.obsoletedBy(dependency))
      .filter((other) => pool.name(other) !== pool.name(s))
      .map((other) => at.get(other))
      .filter((i) => i !== undefined);
  };
  const enter = (node: number): Visit => {
    const visit = { node, mine: index++, start: depth++, targets: targetsOf(node), next: 0 };
    low[node] = visit.mine;
    stack[visit.start] = node;
    return visit;
  };
  const leave = ({ node, mine, start }: Visit): void => {
    if (low[node] !== mine) return;
    // Only the cycle with the first node remains: it obsoletes all others reached from it.
    const value = mine === first ? mine : GONE;
    for (let i = start; i < depth; i++) low[stack[i] ?? -1] = value;
    depth = start;
  };
  const visitFrom = (root: number): void => {
    const path = [enter(root)];
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const target = visit.targets[visit.next];
      if (target === undefined) {
        leave(visit);
        path.pop();
        continue;
      }
      const reached = low[target] ?? 0;
      if (reached === 0 && pool.obsoletes(list[target] ?? 0).length > 0) {
        path.push(enter(target));
        continue;
      }
      visit.next++;
      if (reached === 0) {
        index++;
        low[target] = GONE;
      } else if (reached > 0 && reached < first) {
        // An earlier cycle is obsoleted as a whole.
        for (let k = reached; low[stack[k] ?? -1] === reached; k++) low[stack[k] ?? -1] = GONE;
      } else if (reached > 0 && reached < (low[visit.node] ?? 0)) low[visit.node] = reached;
    }
  };

  if (list.length === 2) return notObsoletedOfTwo(pool, list);
  for (let i = 0; i < list.length; i++) {
    if (low[i] !== 0) continue;
    if (pool.obsoletes(list[i] ?? 0).length > 0) {
      first = index;
      depth = index;
      visitFrom(i);
    } else {
      const mine = index++;
      low[i] = mine;
      stack[mine] = i;
    }
  }
  return list.filter((_, i) => (low[i] ?? 0) >= 0);
}

function notObsoletedOfTwo(pool: Pool, list: Solvable[]): Solvable[] {
  const [a = 0, b = 0] = list;
  const obsoletes = (s: Solvable, other: Solvable): boolean =>
    pool.name(s) !== pool.name(other) &&
    pool.obsoletes(s).some((dependency) => pool.obsoletedBy(dependency).includes(other));
  const aWins = obsoletes(a, b);
  const bWins = obsoletes(b, a);
  return aWins === bWins ? list : [aWins ? a : b];
}

/** Members with an installed version of the same name come first. */
function updatesFirst(pool: Pool, list: Solvable[]): Solvable[] {
  const updates = (s: Solvable): boolean =>
    pool.isInstalled(s) ||
    pool.providersOfName(pool.name(s)).some((other) => pool.isInstalled(other) && pool.name(other) === pool.name(s));
  return partition(list, updates);
}

/** Members of which a better version exists (higher priority, or higher version in the same one) go last.
 *  Source: libsolv src/policy.c `dislike_old_versions`. */
function oldOnesLast(pool: Pool, list: Solvable[]): Solvable[] {
  return partition(list, (s) => pool.isInstalled(s) || !hasBetter(pool, s));
}

function hasBetter(pool: Pool, s: Solvable): boolean {
  const name = pool.name(s);
  for (const other of pool.providersOfName(name)) {
    if (other === s || pool.name(other) !== name) continue;
    const byPriority = pool.priority(other) - pool.priority(s);
    if (byPriority < 0) continue;
    if (byPriority > 0 || pool.compareVersions(other, s) > 0) return true;
  }
  return false;
}

/** Where members provide the same name in several versions, those with newer ones come first.
 *  Source: libsolv src/policy.c `sort_by_common_dep`, `sort_by_name_evr_array`. */
function byCommonProvides(pool: Pool, list: Solvable[]): Solvable[] {
  interface Entry {
    readonly member: number;
    readonly name: string;
    readonly version: string;
    readonly below: boolean;
  }
  const entries: Entry[] = [];
  list.forEach((s, member) => {
    for (const { name, op, version } of [
      ...pool.provides(s),
      { name: pool.name(s), op: '=', version: pool.version(s) },
    ]) {
      if (version === undefined || (op !== '=' && op !== '<=' && op !== '<')) continue;
      if (op === '=' && version.length >= 4 && /^[0-9a-f]*$/.test(version)) continue; // a hash, not a version
      entries.push({ member, name, version, below: op === '<' });
    }
  });
  const newestFirst = (a: Entry, b: Entry): number => {
    if (a.name !== b.name) return a.name < b.name ? -1 : 1;
    if (a.version === b.version && a.below === b.below) return 0;
    const r = compareForMatch(b.version, a.version);
    if (r !== 0 || (!a.below && !b.below)) return r;
    return b.below ? (a.below ? 0 : -1) : 1;
  };
  entries.sort(newestFirst);
  const badness: number[] = list.map(() => 0);
  let bad = 0;
  entries.forEach((entry, i) => {
    const before = entries[i - 1];
    if (before === undefined || before.name !== entry.name) bad = 0;
    else if (before.member !== entry.member && newestFirst(before, entry) === -1) bad++;
    badness[entry.member] = (badness[entry.member] ?? 0) + bad;
  });
  list.forEach((s, i) => {
    if (pool.isInstalled(s)) badness[i] = 0;
  });
  return list
    .map((s, i) => ({ s, bad: badness[i] ?? 0 }))
    .sort((a, b) => a.bad - b.bad)
    .map(({ s }) => s);
}

/** Stable: installed members keep their places before all others. */
export function installedFirst(pool: Pool, list: Solvable[]): Solvable[] {
  return partition(list, (s) => pool.isInstalled(s));
}

function partition<T>(list: readonly T[], isFirst: (item: T) => boolean): T[] {
  const first: T[] = [];
  const last: T[] = [];
  for (const item of list) (isFirst(item) ? first : last).push(item);
  return [...first, ...last];
}
