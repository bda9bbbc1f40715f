import type { Report } from '../events.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { ResolveRequest, ResolveResult } from '../core/resolve/plan.ts';
import { resolve } from '../core/resolve/resolve.ts';
import type { LoadedCatalog } from './load-catalog.ts';

/** A plan or its conflicts, with the indexes they were computed from. */
export type Answer = ResolveResult & { readonly indexes: readonly IndexSummary[] };

/** Resolves one request with a loaded catalog. Reports the plan's warnings and the time taken. */
export function answerRequest(
  { catalog, indexes }: LoadedCatalog,
  request: Partial<ResolveRequest>,
  report: Report = () => {},
): Answer {
  const start = performance.now();
  const result = resolve(catalog, request);
  if (result.kind === 'plan') {
    for (const message of result.plan.warnings) report({ kind: 'warning', message });
    report({ kind: 'resolved', packages: result.plan.totals.packages, durationMs: performance.now() - start });
  }
  return { ...result, indexes };
}
