import { CygstrapError } from '../errors.ts';
import type { Conflict, PlannedPackage } from '../core/resolve/plan.ts';
import { providersOf } from '../core/resolve/alternatives.ts';
import { why } from '../core/resolve/why.ts';
import type { WhyChain } from '../core/resolve/why.ts';
import { resolveRequest } from './answer.ts';
import type { ResolveContext } from './answer.ts';
import type { OperationContext } from './context.ts';
import { unknownPackage } from './info.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import type { RequestFields } from './request-fields.ts';

/** Why a package is in the plan of a request; or that it is not, or that there is no plan. */
export type Explanation =
  | { readonly kind: 'explained'; readonly package: PlannedPackage; readonly chains: readonly WhyChain[] }
  | { readonly kind: 'absent'; readonly error: CygstrapError }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Plans a request and tells by which shortest chains a package gets into the plan. */
export async function explainPackage(
  loaded: LoadedCatalog,
  request: RequestFields,
  name: string,
  context: ResolveContext = {},
): Promise<Explanation> {
  const answer = await resolveRequest(loaded, request, context);
  if (answer.kind === 'conflict') return answer;
  const { plan } = answer;
  const pkg = plan.packages.find((each) => each.name === name);
  if (pkg === undefined) {
    return { kind: 'absent', error: await notPlanned(loaded, request, name, plan.packages, context) };
  }
  return { kind: 'explained', package: pkg, chains: why(loaded.catalog, plan, name) };
}

async function notPlanned(
  { catalog }: LoadedCatalog,
  request: RequestFields,
  name: string,
  planned: readonly PlannedPackage[],
  context: OperationContext,
): Promise<CygstrapError> {
  const providers = new Set(providersOf(catalog, name));
  const instead = planned.find((pkg) => providers.has(pkg.name));
  if (instead === undefined && !catalog.packages.has(name)) return unknownPackage(catalog, name, context);
  const asked = [
    ...(request.packages ?? []),
    ...(request.categories ?? []).map((category) => `category ${category}`),
    ...(request.base === false ? [] : ['Base']),
  ];
  const hint =
    instead === undefined
      ? 'name the packages that may need it with `--for`'
      : `\`${instead.name}\` is, which replaces or provides it`;
  return new CygstrapError('not-found', `\`${name}\` is not in the plan of ${asked.join(', ') || 'an empty request'}`, {
    hint,
  });
}
