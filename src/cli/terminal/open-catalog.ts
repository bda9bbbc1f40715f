import { UsageError } from './failure.ts';
import { interruptible } from './interrupt.ts';
import type { IndexArguments } from '../options/options.ts';
import { reporter } from './reporter.ts';
import type { Session } from './session.ts';

/** Loads the indexes that `--index` names. Without `digest` the summaries of the indexes have no SHA-512, which text
 *  output does not need. `isStdinTaken`: stdin is read for something else. Throws `usage` without an index and when
 *  stdin would be read twice, and what `loadCatalog` throws. */
export async function openCatalog(
  session: Session,
  { index, lenient, noCache, ...verbosity }: IndexArguments,
  { isStdinTaken = false, digest = true } = {},
) {
  if (index.length === 0) {
    throw new UsageError(
      'no index is given',
      'name one with `--index`, for example `--index x86_64/setup.xz`; every Cygwin mirror has it',
    );
  }
  if (index.filter((name) => name === '-').length + (isStdinTaken ? 1 : 0) > 1)
    throw new UsageError('stdin can be read only once');
  const { loadCatalog } = await import('../../api/load-catalog.ts');
  const options = {
    stdin: session.host.stdin,
    lenient,
    cache: !noCache,
    env: session.host.env,
    digest,
    report: reporter(session.output, verbosity),
  };
  return interruptible((signal) => loadCatalog(index, { ...options, signal }));
}
