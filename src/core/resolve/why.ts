import type { Catalog } from '../catalog/catalog.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { edgesOf } from './edges.ts';
import type { Plan, PlannedPackage } from './plan.ts';

const MAX_CHAINS = 20;

export interface WhyStep {
  readonly name: string;
  readonly version: string;
  /** The requirement of the previous step that this package meets; absent at the start of a chain. */
  readonly dependency?: Dependency;
}

/** A shortest chain from a requested package, or one of category Base, to the package. */
export interface WhyChain {
  readonly reason: 'requested' | 'base';
  readonly steps: readonly WhyStep[];
}

/** A step with its successors. */
interface Tail {
  readonly step: WhyStep;
  readonly next: Tail | undefined;
}

/** Finds all shortest dependency chains from a requested package, or from one of category Base, to a package of the
 *  plan: in the order of their names, at most 20. Returns none when the plan does not contain the package. */
export function why(catalog: Catalog, plan: Plan, name: string): WhyChain[] {
  const packages = new Map(plan.packages.map((pkg) => [pkg.name, pkg]));
  const { distance, into } = reach(catalog, plan, packages);
  const chains: WhyChain[] = [];
  const open: { readonly name: string; readonly tail: Tail | undefined }[] = [{ name, tail: undefined }];
  for (let at = open.pop(); at !== undefined && chains.length < MAX_CHAINS; at = open.pop()) {
    const pkg = packages.get(at.name);
    if (pkg === undefined) continue;
    const step = { name: pkg.name, version: pkg.version };
    if (pkg.reason !== 'dependency') {
      chains.push({ reason: pkg.reason, steps: stepsOf({ step, next: at.tail }) });
      continue;
    }
    const nearest = (into.get(at.name) ?? []).filter(
      ({ from }) => (distance.get(from) ?? Infinity) + 1 === distance.get(pkg.name),
    );
    for (const { from, dependency } of nearest.sort((a, b) => (a.from < b.from ? 1 : -1))) {
      open.push({ name: from, tail: { step: { ...step, dependency }, next: at.tail } });
    }
  }
  return chains;
}

function stepsOf(tail: Tail): WhyStep[] {
  const steps: WhyStep[] = [];
  for (let at: Tail | undefined = tail; at !== undefined; at = at.next) steps.push(at.step);
  return steps;
}

/** Computes the length of the shortest chain to each package, and the requirements that lead to it. */
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
      else if (known.at(-1)?.from !== from) known.push({ from, dependency }); // one package's edges follow each other
      if (distance.has(to)) continue;
      distance.set(to, (distance.get(from) ?? 0) + 1);
      queue.push(to);
    }
  }
  return { distance, into };
}
