import type { Argv } from 'yargs';
import type { VerifyResult } from '../../api/verify.ts';
import type { Finding } from '../../repo/audit.ts';
import { countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE, EXIT_NO, UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { withReadingOptions } from '../options.ts';
import { ProgressView } from '../progress-view.ts';
import { reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';
import { DEFAULT_JOBS, siteOptionsOf, sitesOf } from '../sites.ts';
import type { SiteArguments } from '../sites.ts';

interface VerifyArguments extends ReadingArguments, Pick<SiteArguments, 'site' | 'caFile'> {
  readonly repo: string;
  readonly lock?: readonly string[] | undefined;
  readonly quick?: boolean | undefined;
  readonly repair?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap verify`. */
export function addVerify(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'verify <repo>',
    'Read every archive of a repo and compare it with what index and locks promise',
    (y) =>
      withReadingOptions(
        y.positional('repo', {
          type: 'string',
          demandOption: true,
          describe: 'Directory of a repo, or one that setup downloaded into',
        }),
      )
        .option('lock', {
          type: 'string',
          array: true,
          requiresArg: true,
          group: 'Repo:',
          describe: 'A lock whose archives must all be there; repeat for several',
        })
        .option('quick', { type: 'boolean', group: 'Repo:', describe: 'Compare sizes only' })
        .option('repair', { type: 'boolean', group: 'Repo:', describe: 'Fetch again what is damaged or missing' })
        .option('site', {
          type: 'string',
          array: true,
          requiresArg: true,
          group: 'Repo:',
          describe: 'A mirror to repair from; repeat for others to fall back on',
        })
        .option('ca-file', {
          type: 'string',
          array: true,
          requiresArg: true,
          group: 'Repo:',
          describe: 'Trust these certificate authorities too (PEM)',
        })
        .example('$0 verify ./repo', 'what is damaged, missing, unlisted or left over; exit 1 on damage')
        .example('$0 verify ./repo --lock cygstrap.lock.json', 'also that everything of the lock is there'),
    (args) => choose((session) => verify(session, args)),
  );
}

async function verify(session: Session, args: VerifyArguments): Promise<number> {
  const { output, host } = session;
  if (args.repair !== true && args.site !== undefined) throw new UsageError('--site goes with --repair');
  const addresses = args.repair === true ? await sitesToRepairFrom(args) : [];
  const { verifyRepo } = await import('../../api/verify.ts');
  const load = {
    lenient: args.lenient === true,
    cache: args.noCache !== true,
    env: host.env,
    report: reporter(output, args),
  };
  const request = { repo: args.repo, locks: args.lock ?? [] };
  const found = await interruptible((signal) =>
    verifyRepo({ ...request, isQuick: args.quick === true }, { load, signal }),
  );
  const isRepaired = args.repair === true && found.damaged > 0;
  if (isRepaired) await repair(session, args, addresses, found);
  // What was fetched was verified on its way in: the second look is for what could not be mended.
  const result = isRepaired
    ? await interruptible((signal) => verifyRepo({ ...request, isQuick: true }, { load, signal }))
    : found;
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    const findings = result.findings.map(({ kind, path, expected, actual }) => ({
      kind,
      path,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
    }));
    await output.json({ schema: SCHEMA, ...result, findings });
  } else await output.data(printable(verifyText(result)));
  return result.damaged > 0 ? EXIT_NO : EXIT_DONE;
}

async function sitesToRepairFrom(args: VerifyArguments): Promise<readonly string[]> {
  const { readProject } = await import('../../api/project.ts');
  const project = await readProject(undefined);
  return sitesOf(args, project?.config ?? {})[0] ?? [];
}

async function repair(
  session: Session,
  args: VerifyArguments,
  sites: readonly string[],
  found: VerifyResult,
): Promise<void> {
  const [{ filesToMend }, { repairRepo }, { archiveCacheDir }] = await Promise.all([
    import('../../api/verify.ts'),
    import('../../api/repair.ts'),
    import('../../api/archive-cache-dir.ts'),
  ]);
  const { env } = session.host;
  const view = new ProgressView(session, { ...args, quiet: args.quiet === true || args.json === true });
  try {
    await interruptible((signal) =>
      repairRepo(args.repo, filesToMend(found), {
        sites,
        siteOptions: siteOptionsOf(args, env),
        jobs: DEFAULT_JOBS,
        archiveCache: args.noCache === true ? undefined : archiveCacheDir(env),
        report: (event) => view.add(event),
        signal,
      }),
    );
  } finally {
    view.end();
  }
}

function verifyText({ repo, isQuick, files, sizeBytes, findings, damaged }: VerifyResult): string {
  const lines = findings.map((finding) => `${finding.path}: ${findingText(finding)}\n`);
  const checked = `${countText(files, 'file')}, ${sizeText(sizeBytes)}, ${isQuick ? 'sizes compared' : 'read'}`;
  const harmless = findings.length - damaged;
  const rest = harmless === 0 ? '' : `; ${harmless} unlisted or left over`;
  return `${lines.join('')}\`${repo}\`: ${checked}: ${damaged === 0 ? 'intact' : `${damaged} damaged or missing`}${rest}\n`;
}

function findingText({ kind, expected = '', actual = '' }: Finding): string {
  switch (kind) {
    case 'damaged':
      return `damaged: expected ${brief(expected)}, found ${brief(actual)}`;
    case 'wrong-size':
      return `wrong size: expected ${expected}, found ${actual}`;
    case 'missing':
      return 'missing';
    case 'unreadable':
      return `cannot be read: ${actual}`;
    case 'unlisted':
      return 'unlisted';
    case 'leftover':
      return 'left over from unfinished work';
    default:
      return kind satisfies never;
  }
}

/** A digest with its first digits; the JSON has all of them. */
function brief(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm} ${hex.slice(0, 12)}…`;
}
