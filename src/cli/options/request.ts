import { DEFAULTS } from '../../api/defaults.ts';
import type { Report } from '../../events.ts';
import type { ResolveRequest } from '../../core/resolve/plan.ts';
import { splitList } from './declare.ts';
import { UsageError } from '../terminal/failure.ts';
import type { RequestArguments } from './options.ts';

/** Makes a request of the options of a command line; reads the installed.db that they name and reports its losses.
 *  Throws UsageError for a `--windows` that is not a version, and what `readInstalled` throws. */
export async function requestOf(
  packages: readonly string[],
  args: RequestArguments,
  report?: Report,
): Promise<ResolveRequest> {
  const { isWindowsVersion, readInstalled } = await import('../../api/request.ts');
  if (args.windows !== undefined && !isWindowsVersion(args.windows)) {
    throw new UsageError(`--windows must be a version like ${DEFAULTS.windows}: \`${args.windows}\``);
  }
  return {
    packages: splitList(packages),
    categories: splitList(args.category),
    buildDepends: splitList(args.buildDepends),
    base: !args.noBase,
    test: args.test,
    source: args.source,
    windows: args.windows ?? DEFAULTS.windows,
    installed: args.installed === undefined ? [] : await readInstalled(args.installed, report),
  };
}
