import { siteGroups } from '../../api/site-groups.ts';
import type { VerifyResult } from '../../api/verify.ts';
import type { SiteEntry } from '../../core/config/config.ts';
import { printableLine } from '../../printable.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, flag, grouped, list, one } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { pathOf } from '../options/path.ts';
import { EXIT_DONE, EXIT_NO, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { cacheOf, READING_OPTIONS } from '../options/options.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { CA_FILE, MIN_RATE, siteOptionsOf } from '../options/sites.ts';

type VerifyArguments = Arguments<typeof OPTIONS> & { readonly repo: string };

const OPTIONS = {
  ...READING_OPTIONS,
  ...grouped('Repo', {
    lock: list('FILE', 'Also require every archive of this lock; repeat for several'),
    quick: flag('Compare only the sizes'),
    repair: flag('Fetch damaged and missing files again'),
    site: list('ADDRESS', 'Repair from this mirror; repeat to add fallbacks'),
    'ca-file': CA_FILE,
    'min-rate': MIN_RATE,
  }),
};

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: 'Read every archive of a repo, and compare size and digest with the index and the locks',
  positionals: { repo: one('Directory of a repo, or a download directory of setup', pathOf) },
  options: OPTIONS,
  examples: [
    ['verify ./repo', 'lists damaged, missing, unlisted and leftover files; exit 1 on damage'],
    ['verify ./repo --lock cygstrap.lock.json', 'also requires every archive of the lock'],
  ],
  run: verifyOnce,
});

async function verifyOnce(session: Session, args: VerifyArguments): Promise<number> {
  const { output, host } = session;
  if (!args.repair && args.site.length > 0) throw new UsageError('--site requires --repair');
  const addresses = args.repair ? await sitesToRepairFrom(session, args) : [];
  const { verifyRepo } = await import('../../api/verify.ts');
  const report = reporter(output, args);
  const context = { ...cacheOf(args), lenient: args.lenient, env: host.env };
  const request = { repo: args.repo, locks: args.lock };
  const found = await interruptible((signal) =>
    verifyRepo({ ...request, isQuick: args.quick }, { ...context, report, signal }),
  );
  const isRepaired = args.repair && found.damaged > 0;
  if (isRepaired) await repair(session, args, addresses, found);
  // The store verified what was fetched; the second check finds what could not be repaired.
  const result = isRepaired
    ? await interruptible((signal) => verifyRepo({ ...request, isQuick: true }, { ...context, signal }))
    : found;
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    const findings = result.findings.map(({ kind, path, expected, actual }) => ({
      kind,
      path,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
    }));
    await output.json({ schema: SCHEMA, ...result, findings });
  } else await output.data(verifyText(result));
  return result.damaged > 0 ? EXIT_NO : EXIT_DONE;
}

async function sitesToRepairFrom({ host }: Session, args: VerifyArguments): Promise<readonly SiteEntry[]> {
  const [{ loadProject }, { chooseSites }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/site-choice.ts'),
  ]);
  const given = { ...args, addSite: [], unsignedSite: [] };
  const { site, config } = await chooseSites(given, await loadProject(undefined), host.env);
  return siteGroups({ ...given, site }, { ...config, addSites: [] })[0] ?? [];
}

async function repair(
  session: Session,
  args: VerifyArguments,
  sites: readonly SiteEntry[],
  found: VerifyResult,
): Promise<void> {
  const [{ filesToRepair }, { repairRepo }] = await Promise.all([
    import('../../api/verify.ts'),
    import('../../api/repair.ts'),
  ]);
  const { env } = session.host;
  const view = new ProgressView(session, { ...args, quiet: args.quiet || args.json });
  try {
    await interruptible((signal) =>
      repairRepo(
        { repo: args.repo, files: filesToRepair(found), sites },
        { ...cacheOf(args), siteOptions: siteOptionsOf(args), env, report: (event) => view.add(event), signal },
      ),
    );
  } finally {
    view.end();
  }
}

function verifyText({ repo, isQuick, files, sizeBytes, findings, damaged }: VerifyResult): string {
  const lines = findings.map((finding) => `${printableLine(finding.path)}: ${findingText(finding)}\n`);
  const checked = `${countText(files, 'file')}, ${sizeText(sizeBytes)}, ${isQuick ? 'sizes compared' : 'read'}`;
  const harmless = findings.length - damaged;
  const rest = harmless === 0 ? '' : `; ${harmless} unlisted or leftover`;
  return (
    `${lines.join('')}\`${repo}\`: ${checked}: ` +
    `${damaged === 0 ? 'no damage' : `${damaged} damaged or missing`}${rest}\n`
  );
}

function findingText({ kind, expected = '', actual = '' }: VerifyResult['findings'][number]): string {
  switch (kind) {
    case 'damaged':
      return `damaged: expected ${brief(expected)}, found ${brief(actual)}`;
    case 'wrong-size':
      return `wrong size: expected ${expected}, found ${actual}`;
    case 'missing':
      return 'missing';
    case 'unreadable':
      return `cannot be read: ${actual}`;
    case 'link':
      return 'a symbolic link, which is not followed';
    case 'unlisted':
      return 'unlisted';
    case 'leftover':
      return 'leftover of an interrupted run';
    default:
      return kind satisfies never;
  }
}

/** Shortens a digest; the JSON output has all digits. */
function brief(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm} ${hex.slice(0, 12)}…`;
}
