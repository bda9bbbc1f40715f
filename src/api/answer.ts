import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { ResolveOptions, ResolveResult } from '../core/resolve/plan.ts';
import { resolveInSteps } from '../core/resolve/resolve.ts';
import type { OperationContext } from './context.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { knownPrograms } from './known-programs.ts';
import { requestOf } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';
import { runSteps } from './steps.ts';

/** A plan or its conflicts, with the indexes they were computed from. */
export type Answer = ResolveResult & { readonly indexes: readonly IndexSummary[] };

/** How the operations that resolve a request run. */
export interface ResolveContext extends Omit<ResolveOptions, 'programs'>, OperationContext {}

/** Resolves one request with a loaded catalog. Reports the plan's warnings and the time taken. */
export async function resolveRequest(
  { catalog, indexes }: LoadedCatalog,
  request: RequestFields = {},
  context: ResolveContext = {},
): Promise<Answer> {
  const { report = () => {}, signal, solverLimit } = context;
  const start = performance.now();
  const asked = requestOf(request);
  const names = [...asked.packages.map((item) => item.split('=', 1)[0] ?? ''), ...asked.buildDepends];
  const programs = await knownPrograms(catalog, names, context);
  const result = await runSteps(resolveInSteps(catalog, asked, { solverLimit, programs }), signal);
  if (result.kind === 'plan') {
    for (const message of result.plan.warnings) report({ kind: 'warning', message });
    report({ kind: 'resolved', packages: result.plan.totals.packages, durationMs: performance.now() - start });
  }
  return { ...result, indexes };
}
