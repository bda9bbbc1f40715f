import type { Catalog } from '../catalog/catalog.ts';
import { compareVersions } from '../version/compare.ts';
import type { Plan } from './plan.ts';

export interface VersionChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** `rebuild` where both versions are equal by order but not by text. */
  readonly direction: 'upgrade' | 'downgrade' | 'rebuild';
}

/** What differs between two lists of packages and versions; each list by name. */
export interface Difference {
  readonly added: readonly { readonly name: string; readonly version: string }[];
  readonly removed: readonly { readonly name: string; readonly version: string }[];
  readonly changed: readonly VersionChange[];
}

export interface PlanDifference extends Difference {
  /** Bytes of the archives that the new plan has and the old has not (by digest, else by path). */
  readonly downloadBytes: number;
}

/** Compares the current versions of two catalogs. */
export function diffCatalogs(before: Catalog, after: Catalog): Difference {
  return difference(currentVersions(before), currentVersions(after));
}

/** Compares two plans, and tells how much has to be downloaded to go from one to the other. */
export function diffPlans(before: Plan, after: Plan): PlanDifference {
  const versions = (plan: Plan): Map<string, string> =>
    new Map(plan.packages.map(({ name, version }) => [name, version]));
  const identity = ({ archive }: Plan['packages'][number]): string => archive.sha512 ?? archive.md5 ?? archive.path;
  const present = new Set(before.packages.map(identity));
  const missing = after.packages.filter((pkg) => !present.has(identity(pkg)));
  return {
    ...difference(versions(before), versions(after)),
    downloadBytes: missing.reduce((sum, { archive }) => sum + archive.sizeBytes, 0),
  };
}

function currentVersions(catalog: Catalog): Map<string, string> {
  const versions = new Map<string, string>();
  for (const pkg of catalog.packages.values()) versions.set(pkg.name, catalog.current(pkg)?.version ?? '');
  return versions;
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Difference {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const added: { name: string; version: string }[] = [];
  const removed: { name: string; version: string }[] = [];
  const changed: VersionChange[] = [];
  for (const name of names) {
    const from = before.get(name);
    const to = after.get(name);
    if (from === undefined) added.push({ name, version: to ?? '' });
    else if (to === undefined) removed.push({ name, version: from });
    else if (from !== to) {
      const order = compareVersions(from, to);
      changed.push({ name, from, to, direction: order < 0 ? 'upgrade' : order > 0 ? 'downgrade' : 'rebuild' });
    }
  }
  return { added, removed, changed };
}
