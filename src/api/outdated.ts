import type { Lock } from '../core/lock/lock.ts';
import { compareVersions } from '../core/version/compare.ts';
import type { LoadedCatalog } from './load-catalog.ts';

/** A locked package for which an index has a newer version. */
export interface OutdatedPackage {
  readonly name: string;
  readonly locked: string;
  /** The version that a request without a version selects, test versions included if the lock has them. */
  readonly newest: string;
}

/** Compares a lock with the versions of an index. Returns the packages with a newer version, in the order of the
 *  lock. */
export function outdatedPackages({ catalog }: LoadedCatalog, { packages, request }: Lock): OutdatedPackage[] {
  return packages.flatMap(({ name, version: locked }) => {
    const pkg = catalog.packages.get(name);
    const listed = request.test ? pkg?.versions.map(({ version }) => version) : [pkg && catalog.current(pkg)?.version];
    const newest = (listed ?? []).reduce<string>(
      (best, version) => (version !== undefined && compareVersions(version, best) > 0 ? version : best),
      locked,
    );
    return newest === locked ? [] : [{ name, locked, newest }];
  });
}
