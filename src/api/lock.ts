import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { pinText } from '../core/lock/keep.ts';
import type { Pin } from '../core/lock/keep.ts';
import { DEFAULT_ARCH } from '../core/lock/lock.ts';
import type { Lock, LockedIndex } from '../core/lock/lock.ts';
import { lockOf, lockRequestOf } from '../core/lock/make.ts';
import type { Conflict, Plan, ResolveRequest } from '../core/resolve/plan.ts';
import { didYouMean } from '../similar.ts';
import { resolveRequest } from './answer.ts';
import type { ResolveContext } from './answer.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { planUpdate } from './lock-update.ts';
import { requestOf } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';
import { runSteps } from './steps.ts';
import { packageVersion } from './version.ts';
import { requireWindows } from './windows.ts';
import { versionNames } from './version-names.ts';

/** A catalog and the signers of its indexes. */
export interface LockSource extends LoadedCatalog {
  /** Fingerprint of the signer of each index. Default: all unsigned. */
  readonly signers?: readonly string[] | undefined;
}

export interface LockOptions extends ResolveContext {
  /** Architecture. Default: that of the first index with one. */
  readonly arch?: string | undefined;
  /** Recorded in the lock. Default: `cygstrap VERSION`. */
  readonly resolver?: string | undefined;
  /** Accept archives for which the index gives no digest. Default: false. */
  readonly allowUndigested?: boolean | undefined;
}

export type LockResult =
  | { readonly kind: 'lock'; readonly lock: Lock; readonly plan: Plan }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Resolves a request and locks its plan. Throws `lock` for a plan that cannot be locked, for example from an index
 *  of another architecture; `windows` for packages that do not run on the requested Windows. */
export async function makeLock(
  source: LockSource,
  fields: RequestFields,
  options: LockOptions = {},
): Promise<LockResult> {
  const request = requestOf(fields);
  const answer = await resolveRequest(source, request, options);
  return answer.kind === 'plan'
    ? { kind: 'lock', plan: answer.plan, lock: lockPlan(source, answer.plan, request, options) }
    : answer;
}

/** The lock before the update, and the names of the packages to update. */
export interface Update {
  readonly before: Lock;
  /** Default: all. */
  readonly names?: readonly string[] | undefined;
}

/** Updates a lock for a request with the smallest change: only `names` are updated, and what must change with them.
 *  Without names everything is updated. Reports a warning for versions that the index no longer lists, and a note for
 *  other changes. Throws `lock` for a name that is neither in the lock nor required by the request. */
export async function updateLock(
  source: LockSource,
  fields: RequestFields,
  { before, names = [] }: Update,
  options: LockOptions = {},
): Promise<LockResult> {
  return names.length === 0
    ? makeLock(source, fields, options)
    : changeLock(source, requestOf(fields), { before, names }, options);
}

/** Locks a request with the smallest change to the lock `before`: versions change only where the request requires it.
 *  Without a lock everything is new. Reports and throws as {@link updateLock}. */
export async function adjustLock(
  source: LockSource,
  fields: RequestFields,
  before: Lock | undefined,
  options: LockOptions = {},
): Promise<LockResult> {
  return before === undefined
    ? makeLock(source, fields, options)
    : changeLock(source, requestOf(fields), { before, names: [] }, options);
}

async function changeLock(
  source: LockSource,
  request: ResolveRequest,
  { before, names = [] }: Update,
  options: LockOptions,
): Promise<LockResult> {
  const { signal, solverLimit } = options;
  const steps = planUpdate(source.catalog, request, { before, names, solverLimit });
  const update = await runSteps(steps, signal);
  if (update.kind === 'conflict') return update;
  const { plan, lost, moved, unknown } = update;
  if (unknown.length > 0) {
    const locked = before.packages.map(({ name }) => name);
    const near = unknown.flatMap((name) => didYouMean(name, locked, 1));
    throw new CygstrapError(
      'lock',
      `neither in the lock nor required by the request: ${unknown.map((name) => `\`${name}\``).join(', ')}`,
      {
        hint:
          near.length > 0
            ? `did you mean ${near.map((name) => `\`${name}\``).join(', ')}?`
            : 'add a package with `cygstrap add NAME`, or without a project file name all in `cygstrap lock`',
      },
    );
  }
  const report = options.report ?? (() => {});
  for (const message of plan.warnings) report({ kind: 'warning', message });
  if (lost.length > 0) report({ kind: 'warning', message: `no longer in the index: ${listed(lost)}` });
  if (moved.length > 0) report({ kind: 'note', message: `also updated or removed: ${listed(moved)}` });
  return { kind: 'lock', plan, lock: lockPlan(source, plan, request, options) };
}

function listed(pins: readonly Pin[]): string {
  return pins.map((pin) => `\`${pinText(pin)}\``).join(', ');
}

function lockPlan(source: LockSource, plan: Plan, request: ResolveRequest, options: LockOptions): Lock {
  const indexes = identitiesOf(source);
  const arch = archOf(indexes, options.arch);
  warnOfShortLived(plan, options.report);
  const lock = lockOf(plan, {
    indexes,
    request: lockRequestOf(request, arch),
    resolver: options.resolver ?? `cygstrap ${packageVersion()}`,
    ...(options.allowUndigested === undefined ? {} : { allowUndigested: options.allowUndigested }),
  });
  const [header] = source.catalog.headers;
  requireWindows(request.windows, lock, { setupMinimumVersion: header?.setupMinimumVersion });
  return lock;
}

/** Reports a warning for versions that mirrors remove first. */
function warnOfShortLived({ packages }: Plan, report: Report = () => {}): void {
  const shortLived = packages.filter(({ section }) => section !== 'curr');
  if (shortLived.length === 0) return;
  report({
    kind: 'warning',
    message:
      `mirrors remove previous and test versions first, so a later fetch may not find ${versionNames(shortLived)}: ` +
      'keep the repo',
  });
}

function identitiesOf({ indexes, signers }: LockSource): LockedIndex[] {
  return indexes.map(({ release, arch, timestamp, sha512 }, i) => ({
    release,
    arch,
    timestamp,
    sha512,
    signer: signers?.[i] ?? 'unsigned',
  }));
}

function archOf(indexes: readonly LockedIndex[], asked: string | undefined): string {
  const known = indexes.map(({ arch }) => arch).filter((arch) => arch !== null);
  const arch = asked ?? known[0] ?? DEFAULT_ARCH;
  const other = known.find((each) => each !== arch);
  if (other !== undefined)
    throw new CygstrapError('lock', `an index is for ${other}, not for ${arch}`, {
      hint: 'make one lock for each architecture',
    });
  return arch;
}
