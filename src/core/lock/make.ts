import { CygstrapError } from '../../errors.ts';
import type { Plan, PlannedPackage, ResolveRequest } from '../resolve/plan.ts';
import { pathFaults } from '../setup-ini/paths.ts';
import type { Archive } from '../setup-ini/records.ts';
import { LOCK_SCHEMA } from './lock.ts';
import type { Lock, LockedFile, LockedIndex, LockedPackage, LockRequest } from './lock.ts';
import { byteOrder } from './order.ts';

/** What a lock holds besides the plan. */
export interface LockParts {
  /** In the order the catalog was built from. */
  readonly indexes: readonly LockedIndex[];
  readonly request: LockRequest;
  /** `cygstrap VERSION`. */
  readonly resolver: string;
  /** Whether an archive without any digest is locked by its size alone. */
  readonly allowUndigested?: boolean;
}

/** Makes the lock of a plan; a pure function of its arguments. Throws `lock` for what cannot be locked: a plan for a
 *  system that has packages already, an archive without digest (unless allowed), of negative size or with a hostile
 *  path. */
export function lockOf(plan: Plan, { indexes, request, resolver, allowUndigested = false }: LockParts): Lock {
  if (plan.request.installed.length > 0)
    throw new CygstrapError('lock', 'the update of an installed Cygwin cannot be locked, only a whole installation');
  const packages = plan.packages
    .map((pkg) => lockedPackage(pkg, allowUndigested))
    .sort((a, b) => byteOrder(a.name, b.name));
  return { schema: LOCK_SCHEMA, resolver, request, indexes, packages };
}

/** The part of a resolve request that a lock answers, its lists sorted and each item once: their order changes no plan.
 *  */
export function lockRequestOf(request: ResolveRequest, arch: string): LockRequest {
  const { packages, categories, buildDepends, base, test, source, windows } = request;
  return {
    packages: sorted(packages),
    categories: sorted(categories),
    buildDepends: sorted(buildDepends),
    base,
    test,
    source,
    windows,
    arch,
  };
}

function sorted(items: readonly string[]): string[] {
  return [...new Set(items)].sort(byteOrder);
}

function lockedPackage(
  { name, version, index, archive, source }: PlannedPackage,
  allowUndigested: boolean,
): LockedPackage {
  const locked = { name, version, index, ...lockedFile(archive, name, allowUndigested) };
  if (source === undefined) return locked;
  return {
    ...locked,
    source: { name: source.name, version: source.version, ...lockedFile(source.archive, source.name, allowUndigested) },
  };
}

function lockedFile({ path, sizeBytes, sha512, md5 }: Archive, name: string, allowUndigested: boolean): LockedFile {
  const faults = pathFaults(path);
  if (faults.length > 0) throw unlockable(name, `its path \`${path}\` ${faults.join(', ')}`);
  if (sizeBytes < 0) throw unlockable(name, `its size is ${sizeBytes}`);
  if (sha512 !== undefined) return { path, size: sizeBytes, sha512 };
  if (md5 !== undefined) return { path, size: sizeBytes, md5 };
  if (!allowUndigested)
    throw unlockable(
      name,
      'the index gives no digest of its archive',
      '`--allow-undigested` locks it by its size alone',
    );
  return { path, size: sizeBytes };
}

function unlockable(
  name: string,
  why: string,
  hint = 'the index is broken or hostile; use another one',
): CygstrapError {
  return new CygstrapError('lock', `\`${name}\` cannot be locked: ${why}`, { hint, details: { package: name } });
}
