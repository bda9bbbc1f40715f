import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { isProvided } from '../solver/candidates.ts';
import type { PlannedPackage } from './plan.ts';

/** A version of a package, and the number of its index. */
export type ChosenVersion = Pick<PlannedPackage, 'name' | 'version' | 'index'>;

/** A requirement of a package and a chosen package that meets it. */
export interface Edge {
  readonly to: string;
  readonly dependency: Dependency;
}

/** Finds the chosen packages that meet each requirement of a package. `chosen` is by name. */
export function edgesOf(catalog: Catalog, chosen: ReadonlyMap<string, ChosenVersion>, pkg: ChosenVersion): Edge[] {
  const edges: Edge[] = [];
  for (const dependency of versionOf(catalog, pkg)?.depends ?? []) {
    const own = chosen.get(dependency.name);
    if (own !== undefined) edges.push({ to: own.name, dependency });
    for (const provider of catalog.providersOf(dependency.name)) {
      const other = chosen.get(provider.name);
      if (other !== undefined && other.version === provider.version && isProvided(provider, dependency))
        edges.push({ to: other.name, dependency });
    }
  }
  return edges;
}

/** Finds a chosen version in the catalog. */
export function versionOf(catalog: Catalog, { name, version, index }: ChosenVersion): CatalogVersion | undefined {
  return catalog.packages.get(name)?.versions.find((each) => each.version === version && each.index === index);
}
