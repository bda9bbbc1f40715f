import { preferred } from './policy.ts';
import type { Solvable } from './candidates.ts';
import type { Pool } from './pool.ts';
import type { RuleSet } from './rules.ts';
import { replaces } from './updates.ts';

/** Adds weak rules that meet a requirement by an update of an installed package rather than by a new package. Any
 *  other rule takes precedence. Returns for each added rule the package rule that it narrows.
 *  Source: libsolv src/rules.c `solver_addchoicerules`. */
export function choiceRules(pool: Pool, rules: RuleSet, kinds: { feature: number; update: number }): number[] {
  const origins: number[] = [];
  const installedOf = installedBehind(pool);
  if (installedOf.size === 0) return origins;

  const updatesOf = (s: Solvable): number[] => {
    const offset = s - pool.firstInstalled;
    const literals = rules.literalsOf(kinds.update + offset);
    return literals.length > 0 ? literals : rules.literalsOf(kinds.feature + offset);
  };
  /** Returns whether the best updates of an installed package no longer meet the requirement. */
  const updatesBreakRequirement = (s: Solvable, meets: ReadonlySet<Solvable>): boolean => {
    const updates = updatesOf(s);
    if (updates.length === 0) return false;
    if (updates.every((update) => meets.has(update))) return false;
    const best = updates.length > 1 ? preferred(pool, updates, { reorder: true }) : updates;
    return !best.some((update) => meets.has(update));
  };

  let last = '';
  for (let rule = 1; rule < kinds.feature; rule++) {
    const p = rules.p[rule] ?? 0;
    if (p >= 0 || (rules.list[rule] === 0 && (rules.watch2[rule] ?? 0) <= 0)) continue;
    const positives = rules.literalsOf(rule).filter((literal) => literal > 0);
    const kept: Solvable[] = [];
    const updates: { readonly installed: Solvable; readonly by: Solvable }[] = [];
    let isFree = false;
    for (const s of positives) {
      if (pool.isInstalled(s)) {
        kept.push(s);
        continue;
      }
      const installed = installedOf.get(s);
      if (installed === undefined) isFree = true;
      else if (pool.name(installed) !== pool.name(s) || pool.compareVersions(installed, s) <= 0) {
        updates.push({ installed, by: s });
        kept.push(s);
      }
    }
    if (!isFree || updates.length === 0) continue;
    const meets = new Set(positives);
    const left = updates.filter(({ installed }) => !updatesBreakRequirement(installed, meets));
    const gone = new Set(updates.filter((update) => !left.includes(update)).map(({ by }) => by));
    const narrowed = kept.filter((s) => !gone.has(s));
    if (narrowed.length === 0 || left.length === 0) continue;
    if (!left.some(({ installed }) => updatesOf(installed).some((update) => !meets.has(update)))) {
      // Only the requirement's own candidates can be updates: libsolv needs no rule here.
      continue;
    }
    const key = `${p}:${narrowed.join()}`;
    if (key === last) continue;
    last = key;
    rules.add(p, narrowed);
    origins.push(rule);
  }
  return origins;
}

/** Maps each solvable of the index to the installed package that it would replace. */
function installedBehind(pool: Pool): Map<Solvable, Solvable> {
  const map = new Map<Solvable, Solvable>();
  for (const installed of pool.installed()) {
    const name = pool.name(installed);
    for (const version of pool.catalog.obsoletersOf(name)) {
      const s = pool.solvable(version);
      if (!map.has(s) && replaces(pool, s, installed)) map.set(s, installed);
    }
  }
  for (const installed of pool.installed()) {
    const name = pool.name(installed);
    for (const s of pool.providersOfName(name))
      if (!pool.isInstalled(s) && pool.name(s) === name) map.set(s, installed);
  }
  return map;
}
