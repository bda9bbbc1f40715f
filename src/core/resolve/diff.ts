import type { Catalog } from '../catalog/catalog.ts';
import { differencesOf } from '../version/differences.ts';
import type { Difference, NamedVersion } from '../version/differences.ts';
import type { Plan } from './plan.ts';

export interface PlanDifference extends Difference {
  /** Size of the archives that only the new plan has; archives are compared by digest, without one by path. */
  readonly downloadBytes: number;
}

/** Compares the current versions of two catalogs. */
export function diffCatalogs(before: Catalog, after: Catalog): Difference {
  return differencesOf(currentVersions(before), currentVersions(after));
}

/** Compares two plans and computes the download size of the change. */
export function diffPlans(before: Plan, after: Plan): PlanDifference {
  const identity = ({ archive }: Plan['packages'][number]): string => archive.sha512 ?? archive.md5 ?? archive.path;
  const present = new Set(before.packages.map(identity));
  const missing = after.packages.filter((pkg) => !present.has(identity(pkg)));
  return {
    ...differencesOf<NamedVersion>(before.packages, after.packages),
    downloadBytes: missing.reduce((sum, { archive }) => sum + archive.sizeBytes, 0),
  };
}

function currentVersions(catalog: Catalog): NamedVersion[] {
  return [...catalog.packages.values()].map((pkg) => ({
    name: pkg.name,
    version: catalog.current(pkg)?.version ?? '',
  }));
}
