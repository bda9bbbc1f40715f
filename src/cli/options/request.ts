import { DEFAULTS } from '../../api/defaults.ts';
import type { Report } from '../../events.ts';
import type { ResolveRequest } from '../../core/resolve/plan.ts';
import { splitList } from './declare.ts';
import type { RequestArguments } from './options.ts';

/** Makes a request of the options of a command line; reads the installed.db that they name and reports its losses.
 *  Throws `usage` for a `--windows` that is neither a version nor a kind, and what `readInstalled` throws. */
export async function requestOf(
  packages: readonly string[],
  args: RequestArguments,
  report?: Report,
): Promise<ResolveRequest> {
  const { readInstalled, windowsOf } = await import('../../api/request.ts');
  return {
    packages: splitList(packages),
    categories: splitList(args.category),
    buildDepends: splitList(args.buildDepends),
    base: !args.noBase,
    test: args.test,
    source: args.source,
    windows: args.windows === undefined ? DEFAULTS.windows : windowsOf(args.windows, '--windows'),
    installed: args.installed === undefined ? [] : await readInstalled(args.installed, report),
  };
}
