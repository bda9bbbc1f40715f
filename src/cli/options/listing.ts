import type { ReadingContext } from '../../api/context.ts';
import { architecture } from './architecture.ts';
import { documentDefault, grouped, value } from './declare.ts';
import type { Arguments } from './declare.ts';
import { READING_OPTIONS, cacheOf } from './options.ts';
import { noRepo } from './repo.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import type { Session } from '../terminal/session.ts';

/** Options of the commands that list files of packages. */
export const LISTING_OPTIONS = {
  ...READING_OPTIONS,
  ...grouped('Request', {
    repo: value('DIR', 'Read the archives of this repo'),
    arch: documentDefault(architecture('Use the index for this architecture'), 'every index of the repo'),
  }),
};

/** Calls an operation with the repo of a command line, and shows its progress. */
export async function listingOf<T>(
  session: Session,
  args: Arguments<typeof LISTING_OPTIONS>,
  operation: (repo: string, context: ReadingContext) => Promise<T>,
): Promise<T> {
  const { env } = session.host;
  const { repo } = args;
  if (repo === undefined) throw noRepo();
  const view = new ProgressView(session, args);
  const report: ReadingContext['report'] = (event) => view.add(event);
  try {
    return await interruptible((signal) =>
      operation(repo, { ...cacheOf(args), lenient: args.lenient, env, report, signal }),
    );
  } finally {
    view.end();
  }
}
