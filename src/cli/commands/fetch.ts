import type { Argv } from 'yargs';
import type { FetchContext, FetchRequest, FetchSummary } from '../../api/fetch.ts';
import { LAYOUTS } from '../../core/config/config.ts';
import type { Layout } from '../../core/config/config.ts';
import type { Event } from '../../events.ts';
import { LOCK_NAME } from '../../core/lock/lock.ts';
import { countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE, UsageError } from '../failure.ts';
import { YoungCollector, tuneV8 } from '../v8.ts';
import { interruptible } from '../interrupt.ts';
import { once, withReadingOptions, withRequestOptions } from '../options.ts';
import { ProgressView } from '../progress-view.ts';
import { askedOf, withProjectOptions } from '../project.ts';
import type { Asked, ProjectArguments } from '../project.ts';
import { refuse } from '../refuse.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';
import { DEFAULT_JOBS, keyringOf, siteOptionsOf, sitesOf, withSiteOptions } from '../sites.ts';
import type { SiteArguments } from '../sites.ts';
import { packageVersion } from '../version.ts';

interface FetchArguments extends ReadingArguments, ProjectArguments, SiteArguments {
  readonly installed?: string | undefined;
  readonly repo?: string | undefined;
  readonly layout?: Layout | undefined;
  readonly lock?: string | undefined;
  readonly frozen?: boolean | undefined;
  readonly all?: boolean | undefined;
  readonly prev?: number | undefined;
  readonly fullIndex?: boolean | undefined;
  readonly signKey?: string | undefined;
  readonly installer?: boolean | undefined;
  readonly installerSite?: string | undefined;
  readonly allowUndigested?: boolean | undefined;
  readonly jobs?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Where Cygwin publishes its setup program. */
const INSTALLER_SITE = 'https://cygwin.com/';

/** The variable with the passphrase of the key of `--sign-key`. */
const PASSPHRASE = 'CYGSTRAP_PASSPHRASE';

/** Files to fetch from which on they take more memory than their bytes do. */
const MANY_FILES = 1000;

/** Adds `cygstrap fetch`. */
export function addFetch(yargs: Argv, choose: Choose): Argv {
  const group = 'Repo:';
  const flag = { type: 'boolean', group } as const;
  const word = { type: 'string', requiresArg: true, group } as const;
  return yargs.command(
    'fetch [packages..]',
    'Fetch and verify what an installation needs into a repo that setup installs from offline',
    (y) => {
      const named = y.positional('packages', {
        type: 'string',
        array: true,
        describe: 'Packages, or NAME=VERSION; without any, what project file or lock say',
      });
      return withSiteOptions(withProjectOptions(withRequestOptions(withReadingOptions(named))))
        .option('repo', { ...word, coerce: once('repo'), describe: 'Directory of the repo' })
        .option('lock', {
          ...word,
          coerce: once('lock'),
          describe: `The lock; made where there is none [default: ${LOCK_NAME}]`,
        })
        .option('frozen', { ...flag, describe: 'Fetch what the lock says and ask for no index' })
        .option('all', { ...flag, describe: 'Everything the index lists: a full mirror, without a lock' })
        .option('prev', {
          ...word,
          coerce: numberOf('prev', 0),
          describe: 'So many previous versions of each package too',
        })
        .option('full-index', {
          ...flag,
          describe: "Publish the site's own index with its signature, not one of what is in the repo",
        })
        .option('sign-key', {
          ...word,
          coerce: once('sign-key'),
          describe: `Sign the index with this OpenPGP private key (passphrase in ${PASSPHRASE})`,
        })
        .option('installer', { ...flag, describe: 'Fetch and verify the setup program too' })
        .option('installer-site', {
          ...word,
          coerce: once('installer-site'),
          describe: `Where the setup program comes from [default: ${INSTALLER_SITE}]`,
        })
        .option('layout', {
          choices: LAYOUTS,
          requiresArg: true,
          group,
          coerce: once<Layout>('layout'),
          describe: 'flat, or site: below directories named as setup names them [default: flat]',
        })
        .option('allow-undigested', { ...flag, describe: 'Take archives for which the index gives no digest' })
        .option('jobs', {
          ...word,
          coerce: numberOf('jobs', 1),
          describe: `Transfers at a time [default: ${DEFAULT_JOBS}]`,
        })
        .option('dry-run', { ...flag, describe: 'Tell what is missing and stop' })
        .example(
          '$0 fetch openssh gcc-core --site https://mirror.example/cygwin/ --repo ./repo',
          `locks in ${LOCK_NAME}, fetches, verifies`,
        )
        .example('$0 fetch --frozen --site https://mirror.example/cygwin/ --repo ./repo', 'exactly what the lock says')
        .example('$0 fetch --all --prev 1 --site https://mirror.example/cygwin/ --repo ./mirror', 'a full mirror');
    },
    (args) => {
      const packages = [...(args.packages ?? []), ...args._.slice(1).map(String)];
      choose((session) => fetchInto(session, { ...args, packages }));
    },
  );
}

/** Makes a `coerce` for a whole number. */
function numberOf(name: string, least: number): (value: string | readonly string[] | undefined) => number | undefined {
  return (value) => {
    const text = once(name)(value);
    if (text === undefined) return undefined;
    if (!/^\d{1,4}$/.test(text) || Number(text) < least)
      throw new UsageError(`--${name} must be a number from ${least} on: \`${text}\``);
    return Number(text);
  };
}

async function fetchInto(session: Session, args: FetchArguments): Promise<number> {
  tuneV8('transfers');
  const { output } = session;
  const asked = await askedOf(args);
  const request = requestOf(session, args, asked);
  const view = new ProgressView(session, args);
  // Lines are written one after the other; the last is waited for before the summary.
  let written: Promise<void> = Promise.resolve();
  const young = new YoungCollector();
  const report = (event: Event): void => {
    if (event.kind === 'transfer-bytes') young.receive(event.receivedBytes);
    if (event.kind === 'fetch-start' && event.files - event.presentFiles > MANY_FILES) tuneV8('many-files');
    if (args.json === true) {
      written = written.then(() => output.json(event, 'line'));
      // The wait at the end tells of it.
      written.catch(() => {});
    } else view.add(event);
  };
  const { fetchRepo } = await import('../../api/fetch.ts');
  try {
    const result = await interruptible(async (signal) =>
      fetchRepo(request, await contextOf(session, args, { report, signal })),
    );
    view.end();
    await written;
    if (result.kind === 'conflict') return await refuse(output, result.conflicts, args.json === true ? 'json' : 'text');
    if (args.json === true)
      await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result }, 'line');
    else await output.data(printable(summaryText(result)));
    return EXIT_DONE;
  } finally {
    view.end();
    await written.catch(() => {});
  }
}

function requestOf(
  { host }: Session,
  args: FetchArguments,
  { request, config, arch, file, isAsked }: Asked,
): FetchRequest {
  if (args.installed !== undefined)
    throw new UsageError('a repo is for a whole installation: --installed does not go with it');
  if (args.all === true && (args.frozen === true || args.lock !== undefined))
    throw new UsageError('--all is everything there is: it goes with neither --frozen nor --lock');
  if (args.all === true && (request.packages.length > 0 || request.categories.length > 0))
    throw new UsageError('--all is everything there is: packages and categories do not go with it');
  if (args.fullIndex === true && args.signKey !== undefined)
    throw new UsageError("--full-index keeps the site's signature: --sign-key does not go with it");
  if (args.frozen === true && args.prev !== undefined)
    throw new UsageError('--prev needs an index, and --frozen asks for none');
  if (args.installer !== true && args.installerSite !== undefined)
    throw new UsageError('--installer-site goes with --installer');
  const sites = sitesOf(args, config);
  const layout = args.layout ?? config.layout ?? 'flat';
  if (sites.length > 1 && (args.fullIndex === true || layout === 'site'))
    throw new UsageError('--add-site makes one index of several: neither --full-index nor --layout site goes with it');
  const repo = args.repo ?? config.repo;
  if (repo === undefined) throw new UsageError('no repo is given', 'name its directory with `--repo`');
  return {
    request: isAsked || file !== undefined ? request : undefined,
    arch,
    repo,
    layout,
    sites,
    keyring: keyringOf(args, config),
    unsigned: args.unsigned === true,
    lock: args.lock ?? LOCK_NAME,
    frozen: args.frozen === true,
    all: args.all === true,
    prev: args.prev,
    fullIndex: args.fullIndex === true,
    signKey: args.signKey,
    passphrase: host.env[PASSPHRASE],
    installerSite: args.installer === true ? (args.installerSite ?? INSTALLER_SITE) : undefined,
    allowUndigested: args.allowUndigested === true,
    jobs: args.jobs ?? DEFAULT_JOBS,
    dryRun: args.dryRun === true,
  };
}

async function contextOf(
  { host }: Session,
  args: FetchArguments,
  { report, signal }: Pick<FetchContext, 'report' | 'signal'>,
): Promise<FetchContext> {
  const { archiveCacheDir } = await import('../../api/archive-cache-dir.ts');
  const usesCache = args.noCache !== true;
  return {
    resolver: `cygstrap ${packageVersion()}`,
    siteOptions: siteOptionsOf(args, host.env, args.jobs),
    load: { lenient: args.lenient === true, cache: usesCache, env: host.env, report },
    archiveCache: usesCache ? archiveCacheDir(host.env) : undefined,
    report,
    signal,
  };
}

function summaryText({
  kind,
  repo,
  files,
  sizeBytes,
  presentFiles,
  presentBytes,
  lock,
  isLockNew,
  index,
  signers,
  installer,
}: FetchSummary): string {
  const all = `${countText(files, 'file')}, ${sizeText(sizeBytes)}`;
  const rest = `${files - presentFiles} to fetch (${sizeText(sizeBytes - presentBytes)})`;
  if (kind === 'dry-run') return `\`${repo}\`: ${all}; ${presentFiles} there already, ${rest}\n`;
  const locked = lock === null ? '' : `; ${isLockNew ? 'locked in' : 'as locked in'} \`${lock}\``;
  const vouched = signers.includes('unsigned') ? '; UNSIGNED' : '';
  const published =
    index === null
      ? '; no index was published'
      : `; index of ${countText(index.packages, 'package')}${index.isSigned ? ', signed' : ''}`;
  return `\`${repo}\`: ${all}, verified; ${files - presentFiles} fetched (${sizeText(sizeBytes - presentBytes)}), ${presentFiles} there already${published}${installer === null ? '' : `; ${installer}`}${locked}${vouched}\n`;
}
