import { CygstrapError } from '../../errors.ts';
import type { JsonFault } from '../json/read.ts';
import type { Plan, PlannedPackage, ResolveRequest } from '../resolve/plan.ts';
import { pathFaults } from '../setup-ini/paths.ts';
import type { Archive } from '../setup-ini/records.ts';
import { LOCK_SCHEMA } from './lock.ts';
import type { Lock, LockedFile, LockedIndex, LockedPackage, LockRequest } from './lock.ts';
import { faultOf } from './parse.ts';
import { byteOrder } from '../version/byte-order.ts';

/** The parts of a lock besides its plan. */
export interface LockParts {
  /** In the order of the catalog. */
  readonly indexes: readonly LockedIndex[];
  readonly request: LockRequest;
  /** `cygstrap VERSION`. */
  readonly resolver: string;
  /** Whether an archive without a digest is locked by its size alone. */
  readonly allowUndigested?: boolean;
}

/** Makes the lock of a plan; a pure function of its arguments. `parseLock` accepts the text of every lock returned.
 *  Throws `lock` for a plan for an installed system, an archive without digest (unless allowed), and an index with
 *  invalid sizes, paths or names; `usage` for invalid `parts`. */
export function lockOf(plan: Plan, { indexes, request, resolver, allowUndigested = false }: LockParts): Lock {
  if (plan.request.installed.length > 0)
    throw new CygstrapError(
      'lock',
      'cannot lock an update of an installed Cygwin: only a whole installation has a lock',
      { hint: 'leave out the installed packages' },
    );
  const packages = plan.packages
    .map((pkg) => lockedPackage(pkg, allowUndigested))
    .sort((a, b) => byteOrder(a.name, b.name));
  const lock: Lock = { schema: LOCK_SCHEMA, resolver, request, indexes, packages };
  const fault = faultOf(lock);
  if (fault !== undefined) throw invalidLock(fault);
  return lock;
}

function invalidLock({ path, message }: JsonFault): CygstrapError {
  const hint = HINTS.find(({ pattern }) => pattern.test(path))?.hint;
  return new CygstrapError(hint === undefined ? 'lock' : 'usage', `cannot make a lock: \`${path}\` ${message}`, {
    hint: hint ?? 'use another index; this one is malformed',
    details: { path },
  });
}

/** How to correct what the caller of {@link lockOf} passed; all else comes from the index. */
const HINTS = [
  { pattern: /^indexes\[\d+\]\.sha512$/, hint: 'load the catalog without `digest: false`' },
  { pattern: /^indexes\[\d+\]\.signer$/, hint: 'pass the fingerprint of a key, or `unsigned`' },
  { pattern: /^resolver$/, hint: 'pass a program and its version as `resolver`' },
  { pattern: /^request\./, hint: 'correct the request' },
] as const;

/** Returns the part of a request that a lock records. Its lists are sorted, each item once: their order does not affect
 *  a plan. */
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
