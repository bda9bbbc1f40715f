import type { Solvable } from './candidates.ts';
import type { Pool } from './pool.ts';

/** What may take the place of an installed package: other versions of it, and what both provides and obsoletes it;
 *  failing the latter, whatever obsoletes it. Ascending within each group.
 *  Source: libsolv src/policy.c `policy_findupdatepackages`. */
export function updateCandidates(pool: Pool, s: Solvable, options: { downgrades: boolean }): Solvable[] {
  const name = pool.name(s);
  const candidates: Solvable[] = [];
  let isProvided = false;
  for (const other of pool.providersOfName(name)) {
    if (other === s) continue;
    if (pool.name(other) === name) {
      if (!options.downgrades && pool.compareVersions(s, other) > 0) continue;
    } else {
      if (!replaces(pool, other, s)) continue;
      isProvided = true;
    }
    candidates.push(other);
  }
  if (isProvided) return candidates;
  for (const version of pool.catalog.obsoletersOf(name)) {
    const other = pool.solvable(version);
    if (version.name !== name && replaces(pool, other, s)) candidates.push(other);
  }
  return candidates;
}

/** Whether a package of another name obsoletes one. */
export function replaces(pool: Pool, s: Solvable, other: Solvable): boolean {
  return pool.obsoletes(s).some((dependency) => pool.bears(other, dependency));
}
