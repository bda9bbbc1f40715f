import { SELF_DESTRUCT_READ } from '../setup-ini/records.ts';
import type { Solvable } from '../solver/candidates.ts';
import type { Pool } from '../solver/pool.ts';
import { compareVersions } from '../version/compare.ts';
import { dependencyOrder } from './order.ts';
import type { LeftOut, Plan, PlanAction, PlannedPackage, PlanReason, ResolveRequest } from './plan.ts';
import type { Requirement } from './requirements.ts';

/** The parts of a plan. */
export interface PlanParts {
  readonly pool: Pool;
  readonly request: ResolveRequest;
  readonly requirements: readonly Requirement[];
  readonly chosen: readonly Solvable[];
  readonly leftOut: readonly LeftOut[];
  readonly warnings: readonly string[];
}

/** Builds the plan from the solvables that the solver selected: packages with their reasons, dependencies first. */
export function planOf({ pool, request, requirements, chosen, leftOut, warnings }: PlanParts): Plan {
  const members = byName(pool, transaction(pool, chosen));
  const places = placesOf(pool, members);
  const needs = needsOfMembers(pool, members, places);
  const neededBy = members.map((): number[] => []);
  needs.forEach((targets, i) => {
    for (const target of targets) if (target !== i) neededBy[target]?.push(i);
  });
  const reasons = reasonsOfMembers(pool, members, places, requirements);
  const present = new Map(request.installed.map((pkg) => [pkg.name, pkg]));
  const packages: PlannedPackage[] = [];
  for (const i of dependencyOrder(members.length, (node) => needs[node] ?? [])) {
    const s = members[i] ?? 0;
    const version = pool.catalogVersion(s);
    if (version === undefined) continue;
    const { name, version: number, section, archive, index } = version;
    const replaces = present.get(name)?.version;
    const source = request.source ? pool.catalog.sourceOf(version) : undefined;
    packages.push({
      name,
      version: number,
      section,
      archive,
      index,
      reason: reasons[i] ?? 'dependency',
      requiredBy: (neededBy[i] ?? []).map((by) => pool.name(members[by] ?? 0)),
      action: actionOf(number, replaces),
      ...(source !== undefined && { source: { name: source.name, version: source.version, archive: source.archive } }),
      ...(replaces !== undefined && { replaces }),
    });
  }
  const planned = new Set(packages.map(({ name }) => name));
  const kept = new Set(chosen.filter((s) => pool.isInstalled(s)).map((s) => pool.name(s)));
  return {
    request,
    packages,
    leftOut: leftOut.filter(({ name }) => !planned.has(name)),
    warnings,
    orphaned: request.installed.filter(({ name }) => !pool.catalog.packages.has(name)),
    removed: request.installed.filter(({ name }) => !kept.has(name) && !planned.has(name)),
    totals: { packages: packages.length, downloadBytes: downloadBytes(packages) },
  };
}

/** Returns for each solvable its position among the members, from 1; 0 for others. */
function placesOf(pool: Pool, members: readonly Solvable[]): Int32Array {
  const places = new Int32Array(pool.end);
  members.forEach((s, i) => (places[s] = i + 1));
  return places;
}

/** Returns for each member the positions of the members that meet its requirements, each once. */
function needsOfMembers(pool: Pool, members: readonly Solvable[], places: Int32Array): number[][] {
  const lastNeeder = new Int32Array(members.length + 1);
  return members.map((s, i) => {
    const needs: number[] = [];
    for (const providers of pool.needs(s).met) {
      for (const provider of providers) {
        const place = places[provider] ?? 0;
        if (place === 0 || lastNeeder[place] === i + 1) continue;
        lastNeeder[place] = i + 1;
        needs.push(place - 1);
      }
    }
    return needs;
  });
}

/** Returns why each member is in the plan: it or a name it provides was requested, or another member requires it. */
function reasonsOfMembers(
  pool: Pool,
  members: readonly Solvable[],
  places: Int32Array,
  requirements: readonly Requirement[],
): PlanReason[] {
  const byName = new Map(requirements.map((requirement) => [requirement.name, requirement]));
  const names = new Set(members.map((s) => pool.name(s)));
  const reasons = members.map((s): PlanReason => reasonOf(byName.get(pool.name(s))));
  for (const requirement of requirements) {
    if (names.has(requirement.name)) continue;
    for (const provider of pool.providersOfName(requirement.name)) {
      const place = places[provider] ?? 0;
      if (place > 0 && reasons[place - 1] !== 'requested') reasons[place - 1] = reasonOf(requirement);
    }
  }
  return reasons;
}

function reasonOf(requirement: Requirement | undefined): PlanReason {
  return requirement === undefined ? 'dependency' : requirement.kind === 'base' ? 'base' : 'requested';
}

function actionOf(version: string, replaced: string | undefined): PlanAction {
  if (replaced === undefined) return 'install';
  const order = compareVersions(version, replaced);
  return order > 0 ? 'upgrade' : order < 0 ? 'downgrade' : 'reinstall';
}

function downloadBytes(packages: readonly PlannedPackage[]): number {
  const sources = new Map<string, number>();
  let sum = 0;
  for (const { archive, source } of packages) {
    sum += archive.sizeBytes;
    if (source !== undefined) sources.set(`${source.name} ${source.version}`, source.archive.sizeBytes);
  }
  for (const size of sources.values()) sum += size;
  return sum;
}

/** Returns the selected solvables that are installed: a package that provides `_self-destruct` only adds its
 *  requirements. Source: libsolv src/transaction.c; observed in the answers for the index of 2025. */
export function transaction(pool: Pool, chosen: readonly Solvable[]): Solvable[] {
  return chosen.filter(
    (s) => !pool.isInstalled(s) && !pool.provides(s).some(({ name }) => name === SELF_DESTRUCT_READ),
  );
}

/** Sorts solvables by name. */
export function byName(pool: Pool, solvables: readonly Solvable[]): Solvable[] {
  // By number first: an index is almost sorted by name, and sorting an almost sorted list needs few comparisons.
  return Array.from(Int32Array.from(solvables).sort(), (s) => ({ s, name: pool.name(s) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.s - b.s))
    .map(({ s }) => s);
}
