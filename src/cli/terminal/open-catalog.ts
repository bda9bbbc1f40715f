import type { LoadedCatalog } from '../../api/load-catalog.ts';
import type { SiteContext } from '../../api/context.ts';
import type { IndexRequest, SignedCatalog } from '../../api/load-from-sites.ts';
import type { NewestIndex } from '../../core/lock/newest.ts';
import { UsageError } from './failure.ts';
import { interruptible } from './interrupt.ts';
import { cacheOf } from '../options/options.ts';
import type { IndexArguments, SourceArguments } from '../options/options.ts';
import { keyringOf, siteOptionsOf } from '../options/sites.ts';
import { reporter } from './reporter.ts';
import type { Session } from './session.ts';

interface Opening {
  /** Stdin is read for something else. */
  readonly isStdinTaken?: boolean;
  /** Whether the summaries of the indexes have their SHA-512, which text output does not need. */
  readonly digest?: boolean;
  /** Project file; by default it is read if the command line names no index. */
  readonly project?: OpeningSites['project'] | undefined;
}

/** Loads the indexes that `--index` names, or else the verified indexes of the sites. Throws `usage` without both and
 *  when stdin would be read twice, what `loadCatalog` and `loadFromSites` throw, and what reading the project file
 *  throws. */
export async function openCatalog(
  session: Session,
  args: IndexArguments,
  { isStdinTaken = false, digest = true, project: given }: Opening = {},
): Promise<LoadedCatalog> {
  const { index, lenient } = args;
  const urls = await sitesOfUrls(args);
  if (urls !== undefined)
    return openCatalog(session, { ...args, ...urls, index: [] }, { isStdinTaken, digest, project: given });
  if (index.length === 0) {
    const { loadProject } = await import('../../api/project.ts');
    const project = given ?? (await loadProject(undefined));
    return openSites(session, args, { project, arch: args.arch ?? project.config.arch });
  }
  if (index.filter((name) => name === '-').length + (isStdinTaken ? 1 : 0) > 1)
    throw new UsageError('stdin can be read only once');
  const { loadCatalog } = await import('../../api/load-catalog.ts');
  const options = {
    stdin: session.host.stdin,
    lenient,
    ...cacheOf(args),
    env: session.host.env,
    digest,
    report: reporter(session.output, args),
  };
  return interruptible((signal) => loadCatalog(index, { ...options, signal }));
}

/** Reads the URLs that `--index` names as sites: their signatures are checked, too. Returns undefined for files and
 *  without `--index`. Throws `usage` for `--index` with `--site` and for URLs that are not those of indexes. */
export async function sitesOfUrls({ index, site, addSite, unsignedSite }: IndexArguments) {
  if (index.length > 0 && [site, addSite, unsignedSite].some((each) => each.length > 0))
    throw new UsageError('--index cannot be combined with --site');
  if (!index.some((name) => name.includes('://'))) return undefined;
  const { sitesOfIndexes } = await import('../../api/site-choice.ts');
  const found = sitesOfIndexes(index);
  return found && { site: found.sites.slice(0, 1), addSite: found.sites.slice(1), arch: found.arch };
}

interface OpeningSites {
  readonly project: Parameters<typeof import('../../api/site-choice.ts').chooseSites>[1];
  readonly arch: string | undefined;
  readonly newest?: readonly NewestIndex[];
  /** Asks the site also if it was asked within the last hour: what the command writes lasts. */
  readonly mustAsk?: boolean;
}

/** Loads the verified indexes of the sites of a command line, the environment, a project or a user. */
export async function openSites(
  session: Session,
  args: SourceArguments,
  opening: OpeningSites,
): Promise<SignedCatalog> {
  const { loadFromSites } = await import('../../api/load-from-sites.ts');
  return withSites(session, args, opening, loadFromSites);
}

/** Calls an operation with these sites and the options for them. */
export async function withSites<T>(
  session: Session,
  args: SourceArguments,
  { project, arch, newest, mustAsk = false }: OpeningSites,
  use: (request: IndexRequest, context: SiteContext) => Promise<T>,
): Promise<T> {
  const [{ choiceNote, chooseSites }, { siteFields, siteGroups }] = await Promise.all([
    import('../../api/site-choice.ts'),
    import('../../api/site-groups.ts'),
  ]);
  const { env } = session.host;
  const choice = await chooseSites(args, project, env);
  const { config } = choice;
  const groups = siteGroups({ ...args, site: choice.site }, config);
  const note = choiceNote(choice, groups[0]);
  if (note !== undefined && !args.quiet) session.output.note('note', note);
  const report = reporter(session.output, args);
  const request = {
    ...siteFields(groups),
    arch,
    newest,
    keyring: keyringOf(args, config),
    unsigned: args.unsigned,
    allowOlderIndex: args.allowOlderIndex,
    offline: args.offline,
    refresh: args.refresh || mustAsk,
  };
  const context = { ...cacheOf(args), siteOptions: siteOptionsOf(args), lenient: args.lenient, env, report };
  return interruptible((signal) => use(request, { ...context, signal }));
}
