import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogVersion } from '../catalog/package.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { criteriaMeet } from '../version/criteria.ts';
import type { Plan, PlannedPackage } from './plan.ts';

/** More chains than this say nothing new. */
const MAX_CHAINS = 20;

export interface WhyStep {
  readonly name: string;
  readonly version: string;
  /** The requirement of the step before that brings this one in; none at the start of a chain. */
  readonly dependency?: Dependency;
}

/** One shortest way from a wish to a package. */
export interface WhyChain {
  readonly reason: 'requested' | 'base';
  readonly steps: readonly WhyStep[];
}

interface Edge {
  readonly to: string;
  readonly dependency: Dependency;
}

/** All shortest chains from what was asked for, or from Base, to a package of the plan, in the order of their names; at
 *  most 20. Empty when the plan has no such package. */
export function why(catalog: Catalog, plan: Plan, name: string): WhyChain[] {
  const packages = new Map(plan.packages.map((pkg) => [pkg.name, pkg]));
  if (!packages.has(name)) return [];
  const { distance, into } = reach(catalog, plan, packages);
  const chains: WhyChain[] = [];
  const follow = (at: string, tail: readonly WhyStep[]): void => {
    if (chains.length >= MAX_CHAINS) return;
    const pkg = packages.get(at);
    if (pkg === undefined) return;
    if (pkg.reason !== 'dependency') {
      chains.push({ reason: pkg.reason, steps: [{ name: at, version: pkg.version }, ...tail] });
      return;
    }
    const nearest = (into.get(at) ?? []).filter(
      ({ from }) => (distance.get(from) ?? Infinity) + 1 === distance.get(at),
    );
    for (const { from, dependency } of nearest.sort((a, b) => (a.from < b.from ? -1 : 1))) {
      follow(from, [{ name: at, version: pkg.version, dependency }, ...tail]);
    }
  };
  follow(name, []);
  return chains;
}

/** Steps from the nearest wish to each package, and for each the requirements that lead to it. */
function reach(
  catalog: Catalog,
  plan: Plan,
  packages: ReadonlyMap<string, PlannedPackage>,
): { distance: Map<string, number>; into: Map<string, { from: string; dependency: Dependency }[]> } {
  const into = new Map<string, { from: string; dependency: Dependency }[]>();
  const edges = new Map(plan.packages.map((pkg) => [pkg.name, edgesOf(catalog, packages, pkg)]));
  const distance = new Map(plan.packages.filter(({ reason }) => reason !== 'dependency').map((pkg) => [pkg.name, 0]));
  const queue = [...distance.keys()];
  for (const from of queue) {
    for (const { to, dependency } of edges.get(from) ?? []) {
      const known = into.get(to);
      if (known === undefined) into.set(to, [{ from, dependency }]);
      else if (!known.some((each) => each.from === from)) known.push({ from, dependency });
      if (distance.has(to)) continue;
      distance.set(to, (distance.get(from) ?? 0) + 1);
      queue.push(to);
    }
  }
  return { distance, into };
}

/** What each requirement of a package is met by within the plan. */
function edgesOf(catalog: Catalog, packages: ReadonlyMap<string, PlannedPackage>, pkg: PlannedPackage): Edge[] {
  const edges: Edge[] = [];
  for (const dependency of versionOf(catalog, pkg)?.record.depends ?? []) {
    const own = packages.get(dependency.name);
    if (own !== undefined) edges.push({ to: own.name, dependency });
    for (const provider of catalog.providersOf(dependency.name)) {
      const planned = packages.get(provider.name);
      if (planned !== undefined && planned.version === provider.version && meets(provider, dependency))
        edges.push({ to: planned.name, dependency });
    }
  }
  return edges;
}

function versionOf(catalog: Catalog, { name, version, index }: PlannedPackage): CatalogVersion | undefined {
  return catalog.packages.get(name)?.versions.find((each) => each.version === version && each.index === index);
}

function meets({ record }: CatalogVersion, { name, op, version }: Dependency): boolean {
  return record.provides.some(
    (each) =>
      each.name === name &&
      (op === undefined ||
        version === undefined ||
        each.op === undefined ||
        each.version === undefined ||
        criteriaMeet({ op: each.op, version: each.version }, { op, version })),
  );
}
