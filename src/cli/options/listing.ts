import { DEFAULTS } from '../../api/defaults.ts';
import type { SiteContext } from '../../api/context.ts';
import type { LoadedCatalog } from '../../api/load-catalog.ts';
import { documentDefault, excluding, grouped, value } from './declare.ts';
import type { Arguments } from './declare.ts';
import { INDEX_OPTIONS, cacheOf } from './options.ts';
import { SITE_OPTIONS, siteOptionsOf } from './sites.ts';
import { UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import type { Session } from '../terminal/session.ts';

/** Options of the commands that list files of packages. */
export const LISTING_OPTIONS = {
  ...INDEX_OPTIONS,
  ...grouped('Request', {
    repo: excluding(value('DIR', 'Read the archives of this repo, instead of lists of files from a site'), [
      'index',
      ...Object.keys(SITE_OPTIONS),
      'refresh',
      'listing-site',
    ]),
    'listing-site': documentDefault(
      value('ADDRESS', 'Read the lists of files from this site; they are not signed'),
      DEFAULTS.listingSite,
    ),
  }),
};

type ListingArguments = Arguments<typeof LISTING_OPTIONS>;

/** An operation on a repo, or on the index of a site and its lists of files. */
interface Operations<T> {
  readonly ofRepo: (repo: string, context: SiteContext) => Promise<T>;
  readonly ofSite: (loaded: LoadedCatalog, context: SiteContext) => Promise<T>;
}

/** Calls the operation that a command line asks for, and shows its progress. Throws UsageError for `--offline` without
 *  a repo. */
export async function listingOf<T>(session: Session, args: ListingArguments, operations: Operations<T>): Promise<T> {
  const { repo } = args;
  if (repo === undefined && args.offline)
    throw new UsageError('--offline needs --repo: the lists of files of a site are not kept');
  const run =
    repo === undefined
      ? operations.ofSite.bind(undefined, await openCatalog(session, args, { digest: args.json }))
      : operations.ofRepo.bind(undefined, repo);
  if (repo === undefined && !args.quiet) {
    const site = args.listingSite ?? DEFAULTS.listingSite;
    session.output.note('note', `lists of files from \`${site}\`, which are not signed`);
  }
  const view = new ProgressView(session, args);
  const context: SiteContext = {
    ...cacheOf(args),
    siteOptions: siteOptionsOf(args),
    lenient: args.lenient,
    env: session.host.env,
    report: (event) => view.add(event),
  };
  try {
    return await interruptible((signal) => run({ ...context, signal }));
  } finally {
    view.end();
  }
}
