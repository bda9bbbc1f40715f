import type { ResolveContext } from '../../api/answer.ts';
import { cacheOf } from '../options/options.ts';
import type { OutputArguments } from '../options/options.ts';
import { reporter } from './reporter.ts';
import type { Session } from './session.ts';

/** Returns how a command resolves a request, but for the signal. */
export function answerContext(
  { host, output }: Session,
  args: OutputArguments & { readonly noCache: boolean; readonly solverLimit: number | undefined },
): Omit<ResolveContext, 'signal'> {
  return { ...cacheOf(args), env: host.env, report: reporter(output, args), solverLimit: args.solverLimit };
}
