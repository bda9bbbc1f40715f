import { diffCatalogs, diffPlans } from '../core/resolve/diff.ts';
import type { PlanDifference } from '../core/resolve/diff.ts';
import type { Difference } from '../core/version/differences.ts';
import type { Conflict, Plan } from '../core/resolve/plan.ts';
import { resolveRequest } from './answer.ts';
import type { ResolveContext } from './answer.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import type { RequestFields } from './request-fields.ts';

/** Differences of two plans for one request, or the index without a plan for it and the reason. */
export type PlanComparison =
  | { readonly kind: 'difference'; readonly difference: PlanDifference; readonly before: Plan; readonly after: Plan }
  | { readonly kind: 'conflict'; readonly side: 'old' | 'new'; readonly conflicts: readonly Conflict[] };

/** Compares the current versions of all packages of two indexes. */
export function compareIndexes(before: LoadedCatalog, after: LoadedCatalog): Difference {
  return diffCatalogs(before.catalog, after.catalog);
}

/** Compares the plans of one request with two indexes. */
export async function comparePlans(
  before: LoadedCatalog,
  after: LoadedCatalog,
  request: RequestFields,
  context: ResolveContext = {},
): Promise<PlanComparison> {
  const old = await resolveRequest(before, request, context);
  if (old.kind === 'conflict') return { kind: 'conflict', side: 'old', conflicts: old.conflicts };
  const fresh = await resolveRequest(after, request, context);
  if (fresh.kind === 'conflict') return { kind: 'conflict', side: 'new', conflicts: fresh.conflicts };
  return { kind: 'difference', difference: diffPlans(old.plan, fresh.plan), before: old.plan, after: fresh.plan };
}
