import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { pinText } from '../core/lock/keep.ts';
import type { Pin } from '../core/lock/keep.ts';
import { DEFAULT_ARCH } from '../core/lock/lock.ts';
import type { Lock, LockedIndex } from '../core/lock/lock.ts';
import { lockOf, lockRequestOf } from '../core/lock/make.ts';
import type { Conflict, Plan, ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';
import { answerRequest } from './answer.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { planUpdate } from './lock-update.ts';
import { packageVersion } from './version.ts';

/** What a lock is made from: a catalog, and who vouches for each of its indexes. */
export interface LockSource {
  readonly loaded: LoadedCatalog;
  /** For each index its signer's fingerprint; by default none is signed. */
  readonly signers?: readonly string[];
}

export interface LockOptions {
  /** As the command line names it; by default that of the first index that tells one. */
  readonly arch?: string | undefined;
  /** Written into the lock; by default `cygstrap VERSION`. */
  readonly resolver?: string;
  readonly allowUndigested?: boolean;
  readonly report?: Report;
}

export type LockResult =
  | { readonly kind: 'lock'; readonly lock: Lock; readonly plan: Plan }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Resolves a request and locks its plan. Throws `lock` for what cannot be locked, an index of another architecture
 *  among it. */
export function makeLock(source: LockSource, fields: Partial<ResolveRequest>, options: LockOptions = {}): LockResult {
  const request = { ...EMPTY_REQUEST, ...fields };
  const answer = answerRequest(source.loaded, request, options.report);
  return answer.kind === 'plan'
    ? { kind: 'lock', plan: answer.plan, lock: lockPlan(source, answer.plan, request, options) }
    : answer;
}

export interface Update {
  readonly before: Lock;
  /** What may move. */
  readonly names: readonly string[];
}

/** Makes a lock again for a request of today, changing as little as possible: only `names` move, and what must move
 *  with them. Without names everything moves. What the index has lost becomes a warning, what else moved a note. Throws
 *  `lock` for a name that is neither in the lock nor needed by the request. */
export function updateLock(
  source: LockSource,
  fields: Partial<ResolveRequest>,
  { before, names }: Update,
  options: LockOptions = {},
): LockResult {
  const request = { ...EMPTY_REQUEST, ...fields };
  if (names.length === 0) return makeLock(source, request, options);
  const update = planUpdate(source.loaded, request, before, names);
  if (update.kind === 'conflict') return update;
  const { plan, lost, moved, unknown } = update;
  if (unknown.length > 0) {
    throw new CygstrapError(
      'lock',
      `neither in the lock nor needed by its request: ${unknown.map((name) => `\`${name}\``).join(', ')}`,
      { hint: 'after `--update` stand the packages that may move' },
    );
  }
  const report = options.report ?? (() => {});
  for (const message of plan.warnings) report({ kind: 'warning', message });
  if (lost.length > 0) report({ kind: 'warning', message: `no longer in the index: ${listed(lost)}` });
  if (moved.length > 0) report({ kind: 'note', message: `moved or gone with them: ${listed(moved)}` });
  return { kind: 'lock', plan, lock: lockPlan(source, plan, request, options) };
}

function listed(pins: readonly Pin[]): string {
  return pins.map((pin) => `\`${pinText(pin)}\``).join(', ');
}

function lockPlan(source: LockSource, plan: Plan, request: ResolveRequest, options: LockOptions): Lock {
  const indexes = identitiesOf(source);
  const arch = archOf(indexes, options.arch);
  return lockOf(plan, {
    indexes,
    request: lockRequestOf(request, arch),
    resolver: options.resolver ?? `cygstrap ${packageVersion()}`,
    ...(options.allowUndigested === undefined ? {} : { allowUndigested: options.allowUndigested }),
  });
}

function identitiesOf({ loaded, signers }: LockSource): LockedIndex[] {
  return loaded.indexes.map(({ release, arch, timestamp, sha512 }, i) => ({
    release,
    arch,
    timestamp,
    sha512,
    signer: signers?.[i] ?? 'unsigned',
  }));
}

function archOf(indexes: readonly LockedIndex[], asked: string | undefined): string {
  const told = indexes.map(({ arch }) => arch).filter((arch) => arch !== null);
  const arch = asked ?? told[0] ?? DEFAULT_ARCH;
  const other = told.find((each) => each !== arch);
  if (other !== undefined)
    throw new CygstrapError('lock', `an index is for ${other}, and ${arch} is asked for`, {
      hint: 'a lock is for one architecture',
    });
  return arch;
}
