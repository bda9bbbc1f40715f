import type { Catalog } from '../core/catalog/catalog.ts';
import { keepVersions, pinText } from '../core/lock/keep.ts';
import type { Pin } from '../core/lock/keep.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { Conflict, Plan, ResolveOptions, ResolveRequest } from '../core/resolve/plan.ts';
import { resolveInSteps } from '../core/resolve/resolve.ts';
import type { Steps } from '../core/solver/steps.ts';

export type UpdateResult =
  | {
      readonly kind: 'plan';
      readonly plan: Plan;
      /** Locked versions that no index lists any more. */
      readonly lost: readonly Pin[];
      /** Versions that were updated or removed together with the named ones. */
      readonly moved: readonly Pin[];
      /** Names that are neither in the lock nor in a new plan. */
      readonly unknown: readonly string[];
    }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

export interface PlannedUpdate extends ResolveOptions {
  readonly before: Lock;
  /** Names of the packages to update. */
  readonly names: readonly string[];
}

/** Plans a request so that only the packages `names` of a lock are updated, to their versions in a new plan, and with
 *  them only what must change: all other packages are pinned to their locked versions, and pins that take part in a
 *  conflict are released. Packages that nothing requires any more are removed. The result is deterministic, but not
 *  always the smallest possible change. Pauses often. */
export function* planUpdate(
  catalog: Catalog,
  request: ResolveRequest,
  { before, names, solverLimit }: PlannedUpdate,
): Steps<UpdateResult> {
  const result = yield* resolveInSteps(catalog, request, { solverLimit });
  if (result.kind === 'conflict') return result;
  const fresh = result.plan;
  const pins = keepVersions({ packages: before.packages, request }, names);
  const lost = pins.filter(({ name, version }) => catalog.find(name, version) === undefined);
  const held = pins.filter((pin) => !lost.includes(pin));
  const targets = fresh.packages.filter(({ name }) => names.includes(name));
  const holding = yield* planHolding({ catalog, request, solverLimit, fresh }, { targets, held });
  if (holding.kind === 'conflict') return holding;
  // Pins count as requested in the plan that holds them.
  const reasons = new Map(fresh.packages.map(({ name, reason }) => [name, reason]));
  const packages = holding.plan.packages.map((pkg) => ({ ...pkg, reason: reasons.get(pkg.name) ?? 'dependency' }));
  const plan: Plan = { ...holding.plan, packages };
  const planned = new Set(plan.packages.map(pinText));
  const known = new Set([...before.packages, ...fresh.packages].map(({ name }) => name));
  return {
    kind: 'plan',
    plan,
    lost,
    moved: held.filter((pin) => !planned.has(pinText(pin))),
    unknown: names.filter((name) => !known.has(name)),
  };
}

interface Problem extends ResolveOptions {
  readonly catalog: Catalog;
  readonly request: ResolveRequest;
  /** The plan without pins; it always exists. */
  readonly fresh: Plan;
}

interface Pins {
  /** Target versions of the packages to update; never released. */
  readonly targets: readonly Pin[];
  /** Pins to the locked versions, released as needed. */
  readonly held: readonly Pin[];
}

interface Holding {
  readonly pins: Pins;
  readonly plan: Plan;
}

type Held =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Keeps a maximal set of compatible pins, and of those only the ones that something requires. */
function* planHolding(problem: Problem, pins: Pins): Steps<Held> {
  const relaxed = yield* relax(problem, pins);
  if (relaxed === undefined) return { kind: 'plan', plan: problem.fresh };
  if (relaxed.kind === 'gave-up') return { kind: 'conflict', conflicts: relaxed.conflicts };
  const needed = yield* withoutNeedless(problem, relaxed.holding);
  const tight = yield* tighten(problem, needed, pins.held);
  return { kind: 'plan', plan: (yield* withoutNeedless(problem, tight)).plan };
}

/** Releases pins that take part in a conflict until there is none. Returns undefined if a conflict has no pin. */
function* relax(problem: Problem, start: Pins): Steps<Extract<Attempt, { kind: 'holding' | 'gave-up' }> | undefined> {
  for (let pins = start; ;) {
    const attempt = yield* tryPins(problem, pins);
    if (attempt.kind === 'holding' || attempt.kind === 'gave-up') return attempt;
    if (attempt.kind === 'kept-out') {
      pins = { ...pins, targets: [...pins.targets, ...attempt.packages] };
      continue;
    }
    const rest = pins.held.filter((pin) => !attempt.requested.has(pinText(pin)));
    if (rest.length === pins.held.length) return undefined;
    pins = { ...pins, held: rest };
  }
}

/** Restores released pins one by one where no conflict results. */
function* tighten(problem: Problem, loose: Holding, candidates: readonly Pin[]): Steps<Holding> {
  let tight = loose;
  for (const pin of candidates) {
    const found = tight.plan.packages.find(({ name }) => name === pin.name);
    if (
      found === undefined ||
      found.version === pin.version ||
      tight.pins.targets.some(({ name }) => name === pin.name)
    )
      continue;
    const attempt = yield* tryPins(problem, { ...tight.pins, held: [...tight.pins.held, pin] });
    if (attempt.kind === 'gave-up') break; // the next one would take as long
    if (attempt.kind === 'holding') tight = attempt.holding;
  }
  return tight;
}

/** Releases pins of packages that only other pinned packages require. */
function* withoutNeedless(problem: Problem, start: Holding): Steps<Holding> {
  for (let holding = start; ;) {
    const { plan, pins } = holding;
    const needed = neededOf(plan, problem);
    const isNeeded = ({ name }: Pin): boolean => needed.has(name);
    const left: Pins = { targets: pins.targets.filter(isNeeded), held: pins.held.filter(isNeeded) };
    if (left.held.length + left.targets.length === pins.held.length + pins.targets.length) return holding;
    const attempt = yield* tryPins(problem, left);
    if (attempt.kind !== 'holding') return holding;
    holding = attempt.holding;
  }
}

type Attempt =
  | { readonly kind: 'holding'; readonly holding: Holding }
  /** Category members that the pins exclude; setup drops them silently. */
  | { readonly kind: 'kept-out'; readonly packages: readonly Pin[] }
  /** The requested items, pins included, that take part in the conflict. */
  | { readonly kind: 'conflict'; readonly requested: ReadonlySet<string> }
  | { readonly kind: 'gave-up'; readonly conflicts: readonly Conflict[] };

function* tryPins({ catalog, request, solverLimit, fresh }: Problem, pins: Pins): Steps<Attempt> {
  const packages = [...request.packages, ...[...pins.targets, ...pins.held].map(pinText)];
  const result = yield* resolveInSteps(catalog, { ...request, packages }, { solverLimit });
  if (result.kind === 'conflict' && result.conflicts.some(({ code }) => code === 'gave-up'))
    return { kind: 'gave-up', conflicts: result.conflicts };
  if (result.kind === 'conflict')
    return { kind: 'conflict', requested: new Set(result.conflicts.flatMap(({ requested }) => requested)) };
  const out = new Set(result.plan.leftOut.map(({ name }) => name));
  const keptOut = fresh.packages.filter(({ name }) => out.has(name) && !pins.targets.some((pin) => pin.name === name));
  return keptOut.length > 0
    ? { kind: 'kept-out', packages: keptOut }
    : { kind: 'holding', holding: { pins, plan: { ...result.plan, request } } };
}

/** Returns the names that the request requires, directly or indirectly, without the pins. */
function neededOf(plan: Plan, { request, fresh }: Problem): ReadonlySet<string> {
  const needs = new Map<string, string[]>(plan.packages.map(({ name }) => [name, []]));
  for (const { name, requiredBy } of plan.packages) for (const by of requiredBy) needs.get(by)?.push(name);
  const asked = request.packages.map((item) => item.split('=', 1)[0] ?? item);
  const left = [...asked, ...fresh.packages.filter(({ reason }) => reason !== 'dependency').map(({ name }) => name)];
  const needed = new Set<string>();
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    for (const each of needs.get(name) ?? []) left.push(each);
  }
  return needed;
}
