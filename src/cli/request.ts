import type { ResolveRequest } from '../core/resolve/plan.ts';
import { UsageError } from './failure.ts';
import { splitList } from './options.ts';

/** Options that make a request, as yargs gives them. */
export interface RequestArguments {
  readonly category?: readonly string[] | undefined;
  readonly noBase?: boolean | undefined;
  readonly test?: boolean | undefined;
  readonly source?: boolean | undefined;
  readonly buildDepends?: readonly string[] | undefined;
  readonly windows?: string | undefined;
  readonly installed?: string | undefined;
}

/** Makes a request of a command line; reads the installed.db it names. */
export async function requestOf(packages: readonly string[], args: RequestArguments): Promise<ResolveRequest> {
  const [{ EMPTY_REQUEST }, { isWindowsVersion, readInstalled }] = await Promise.all([
    import('../core/resolve/resolve.ts'),
    import('../api/request.ts'),
  ]);
  if (args.windows !== undefined && !isWindowsVersion(args.windows)) {
    throw new UsageError(`--windows must be a version like ${EMPTY_REQUEST.windows}: \`${args.windows}\``);
  }
  return {
    packages: splitList(packages),
    categories: splitList(args.category),
    buildDepends: splitList(args.buildDepends),
    base: args.noBase !== true,
    test: args.test === true,
    source: args.source === true,
    windows: args.windows ?? EMPTY_REQUEST.windows,
    installed: args.installed === undefined ? [] : await readInstalled(args.installed),
  };
}
