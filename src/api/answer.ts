import type { Catalog } from '../core/catalog/catalog.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { Plan, ResolveOptions, ResolveResult } from '../core/resolve/plan.ts';
import { resolveInSteps } from '../core/resolve/resolve.ts';
import type { OperationContext } from './context.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { knownPrograms } from './known-programs.ts';
import { requestOf } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';
import { runSteps } from './steps.ts';
import { versionNames } from './version-names.ts';

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
  if (result.kind === 'conflict') return { ...result, indexes };
  const { plan } = result;
  const warnings = [...plan.warnings, ...testWarnings(plan, catalog)];
  for (const message of warnings) report({ kind: 'warning', message });
  report({ kind: 'resolved', packages: plan.totals.packages, durationMs: performance.now() - start });
  return { kind: 'plan', plan: { ...plan, warnings }, indexes };
}

/** Returns a warning for test versions in a plan without `test`: as setup does, a plan has one where nothing else
 *  satisfies the request. */
function testWarnings({ packages, request }: Plan, catalog: Catalog): string[] {
  const unasked = packages.filter(
    ({ name, version }) =>
      catalog.find(name, version)?.stability === 'test' && !request.packages.includes(`${name}=${version}`),
  );
  if (request.test || unasked.length === 0) return [];
  return [`only test versions satisfy the request, as in setup: ${versionNames(unasked)}`];
}
