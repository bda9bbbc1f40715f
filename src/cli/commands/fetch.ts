import { CHOICES, DEFAULTS } from '../../api/defaults.ts';
import { siteFields, siteGroups } from '../../api/site-groups.ts';
import type { FetchSummary } from '../../api/fetch.ts';
import type { SiteContext } from '../../api/context.ts';
import type { FetchRequest } from '../../api/fetch-request.ts';
import type { Event } from '../../events.ts';
import { setupText } from '../../report/setup-line.ts';
import { countText, sizeText } from '../../report/text.ts';
import {
  choice,
  defineCommand,
  documentDefault,
  excluding,
  flag,
  grouped,
  needing,
  parsed,
  rest,
  value,
} from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { LOCK_DEFAULT, knownLockOf } from '../options/lock.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { cacheOf, READING_OPTIONS, ANSWER_OPTIONS } from '../options/options.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import { PROJECT_OPTIONS, projectOptionsOf } from '../options/project.ts';
import type { ProjectOptions } from '../options/project.ts';
import { noRepo } from '../options/repo.ts';
import { refuse } from '../terminal/refuse.ts';
import type { Session } from '../terminal/session.ts';
import { SITE_OPTIONS, keyringOf, siteOptionsOf } from '../options/sites.ts';
import { wholeNumber } from '../options/units.ts';

type FetchArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

/** Environment variable with the passphrase of the key of `--sign-key`. */
const PASSPHRASE = 'CYGSTRAP_PASSPHRASE';

const OPTIONS = {
  ...SITE_OPTIONS,
  ...READING_OPTIONS,
  ...PROJECT_OPTIONS,
  ...ANSWER_OPTIONS,
  ...grouped('Repo', {
    repo: value('DIR', 'Directory of the repo'),
    lock: documentDefault(value('FILE', 'Fetch the files of this lock; write it if it does not exist'), LOCK_DEFAULT),
    frozen: flag('Fetch the files of the lock, and read no index from a site'),
    offline: flag('Use no network: only kept indexes, and archives of other repos of this user'),
    all: excluding(flag('Fetch everything that the index lists: a full mirror, without a lock'), ['frozen', 'lock']),
    prev: excluding(
      parsed('N', 'Also fetch the N previous versions of each package', wholeNumber(0, 9999)),
      ['frozen'],
      'leave out `--frozen`: previous versions are in an index only',
    ),
    'full-index': excluding(
      flag("Publish the site's own index with its signature, instead of an index of the repo's files"),
      ['sign-key'],
      'leave out `--sign-key`: the index of the site is published with its own signature',
    ),
    'sign-key': value('FILE', `Sign the index with this OpenPGP private key; the passphrase is in ${PASSPHRASE}`),
    installer: flag('Also fetch and verify the setup program'),
    'installer-site': needing(
      documentDefault(value('ADDRESS', 'Fetch the setup program from this site'), DEFAULTS.installerSite),
      'installer',
    ),
    layout: documentDefault(
      choice(CHOICES.layouts, 'Use the directories of a mirror (flat), or those that setup makes for each site (site)'),
      DEFAULTS.layout,
    ),
    'allow-undigested': flag('Accept archives for which the index gives no digest'),
    jobs: documentDefault(parsed('N', 'Run N transfers at a time', wholeNumber(1, 9999)), `${DEFAULTS.jobs}`),
    'dry-run': flag('Print what is missing, and fetch nothing'),
  }),
};

export const fetchCommand = defineCommand({
  name: 'fetch',
  summary: 'Fetch and verify the files of an installation into a repo that setup installs from offline',
  positionals: { packages: rest('Packages, or NAME=VERSION; without any, those of the project file or the lock') },
  options: OPTIONS,
  examples: [
    [
      'fetch openssh gcc-core --site https://mirror.example/cygwin/ --repo ./repo',
      `writes ${DEFAULTS.lock}, fetches, verifies`,
    ],
    ['fetch --frozen --site https://mirror.example/cygwin/ --repo ./repo', 'exactly the files of the lock'],
    ['fetch --all --prev 1 --site https://mirror.example/cygwin/ --repo ./mirror', 'a full mirror'],
  ],
  otherOptions: {
    refresh: 'leave it out: unless the lock is from an index that the repo has, `fetch` always asks the site',
    index: 'name the mirror with `--site`, or make a lock with `cygstrap lock --index FILE` first',
  },
  run: fetchInto,
});

async function fetchInto(session: Session, args: FetchArguments): Promise<number> {
  const { output } = session;
  const request = await requestOf(session, args, await projectOptionsOf(args));
  const view = new ProgressView(session, args);
  // JSON lines are written one after the other, all before the summary.
  let written: Promise<void> = Promise.resolve();
  const report = (event: Event): void => {
    if (args.json) {
      written = written.then(() => output.json(event, 'line'));
      // A failure is thrown by the await before the summary.
      written.catch(() => {});
    } else view.add(event);
  };
  const { fetchRepo } = await import('../../api/fetch.ts');
  try {
    const result = await interruptible((signal) => fetchRepo(request, contextOf(session, args, { report, signal })));
    view.end();
    await written;
    if (result.kind === 'conflict') return await refuse(output, result.conflicts, args);
    if (args.json) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result }, 'line');
    else await output.data(summaryText(result));
    return EXIT_DONE;
  } finally {
    view.end();
    await written.catch(() => {});
  }
}

async function requestOf(
  session: Session,
  args: FetchArguments,
  { request, config, arch, file, isOnCommandLine }: ProjectOptions,
): Promise<FetchRequest> {
  if (args.all && (request.packages.length > 0 || request.categories.length > 0))
    throw new UsageError('--all cannot be combined with packages or categories');
  const lock = await knownLockOf(args, { file, isOnCommandLine: isOnCommandLine || args.all || args.frozen });
  const { chooseSites, choiceNote } = await import('../../api/site-choice.ts');
  const choice = await chooseSites(args, { config, file }, session.host.env);
  const sites = siteGroups({ ...args, site: choice.site }, choice.config);
  const layout = args.layout ?? config.layout ?? DEFAULTS.layout;
  if (sites.length > 1 && (args.fullIndex || layout === 'site'))
    throw new UsageError(
      'several sites with their own index are merged: they cannot be combined with --full-index or --layout site',
    );
  const repo = args.repo ?? config.repo;
  if (repo === undefined) throw noRepo();
  const note = choiceNote(choice, sites[0]);
  if (note !== undefined && !args.quiet) session.output.note('note', note);
  return {
    ...(isOnCommandLine || file !== undefined ? request : {}),
    arch,
    repo,
    layout,
    ...siteFields(sites),
    keyring: keyringOf(args, choice.config),
    unsigned: args.unsigned,
    allowOlderIndex: args.allowOlderIndex,
    lock,
    frozen: args.frozen,
    offline: args.offline,
    all: args.all,
    prev: args.prev,
    fullIndex: args.fullIndex,
    signKey: args.signKey,
    passphrase: session.host.env[PASSPHRASE],
    installerSite: args.installer ? (args.installerSite ?? DEFAULTS.installerSite) : undefined,
    solverLimit: args.solverLimit,
    allowUndigested: args.allowUndigested,
    jobs: args.jobs ?? DEFAULTS.jobs,
    dryRun: args.dryRun,
  };
}

function contextOf(
  { host }: Session,
  args: FetchArguments,
  { report, signal }: Pick<SiteContext, 'report' | 'signal'>,
): SiteContext {
  const siteOptions = siteOptionsOf(args, args.jobs);
  return { ...cacheOf(args), siteOptions, lenient: args.lenient, env: host.env, report, signal };
}

function summaryText({
  kind,
  repo,
  files,
  sizeBytes,
  presentFiles,
  presentBytes,
  readFiles,
  unchangedFiles,
  lock,
  isLockNew,
  index,
  signers,
  installer,
  setup,
}: FetchSummary): string {
  const all = `${countText(files, 'file')}, ${sizeText(sizeBytes)}`;
  const rest = `${files - presentFiles} to fetch (${sizeText(sizeBytes - presentBytes)})`;
  if (kind === 'dry-run') return `\`${repo}\`: ${all}; ${presentFiles} already present, ${rest}\n`;
  const read = `${readFiles} read now, ${unchangedFiles} unchanged since they were read`;
  const locked = lock === null ? '' : `; ${isLockNew ? 'locked in' : 'as locked in'} \`${lock}\``;
  const unsigned = signers.includes('unsigned') ? '; UNSIGNED' : '';
  const published =
    index === null
      ? '; no index was published'
      : `; index of ${countText(index.packages, 'package')}${index.isSigned ? ', signed' : ''}`;
  return (
    `\`${repo}\`: ${all}, verified: ${read}; ${files - presentFiles} fetched (${sizeText(sizeBytes - presentBytes)}` +
    `), ${presentFiles} already present${published}${installer === null ? '' : `; ${installer}`}${locked}` +
    `${unsigned}\n${setupText(setup)}`
  );
}
