import type { ReportSubject } from '../../api/report.ts';
import { countText, sizeText } from '../../report/text.ts';
import {
  choice,
  defineCommand,
  documentDefault,
  excluding,
  flag,
  grouped,
  parsed,
  rest,
  value,
  withDefault,
} from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { ANSWER_OPTIONS, INDEX_EXCLUDES, INDEX_OPTIONS, PLAN_OPTIONS, SBOM_FORMATS } from '../options/options.ts';
import { pathOrUrlOf } from '../options/path.ts';
import { CONFIG_OPTION, projectOptionsOf, requireRequest } from '../options/project.ts';
import { answerContext } from '../terminal/answer-context.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import { refuse } from '../terminal/refuse.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

type ReportArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

const FORMATS = ['html', ...SBOM_FORMATS] as const;

const FILES: Readonly<Record<(typeof FORMATS)[number], string>> = {
  html: 'cygstrap-report.html',
  cyclonedx: 'cygstrap.cdx.json',
  spdx: 'cygstrap.spdx.json',
};

/** What makes a request. */
const REQUEST = ['packages', 'category', 'build-depends'];

const OPTIONS = {
  ...INDEX_OPTIONS,
  ...PLAN_OPTIONS,
  ...CONFIG_OPTION,
  ...ANSWER_OPTIONS,
  ...grouped('Request', {
    lock: excluding(value('FILE', 'Report on this lock instead of a plan'), ['repo', ...REQUEST]),
    repo: excluding(value('DIR', 'Report on all packages of this repo instead of a plan'), [
      'index',
      ...INDEX_EXCLUDES,
      ...REQUEST,
    ]),
    before: parsed('FILE', 'Show what changed since this index; with --lock, since this lock', (text, option) =>
      pathOrUrlOf(text, `--${option}`),
    ),
  }),
  ...grouped('Output', {
    format: withDefault(
      choice(FORMATS, 'Write a page, or a software bill of materials in CycloneDX 1.6 or SPDX 2.3'),
      'html',
    ),
    out: documentDefault(
      value('FILE', 'Write the report to this file'),
      'cygstrap-report.html, cygstrap.cdx.json or cygstrap.spdx.json',
    ),
    open: flag('Open the page in the browser of the desktop'),
  }),
};

export const reportCommand = defineCommand({
  name: 'report',
  summary: 'Write a page with sizes, reasons and changes of a plan, a lock or a repo; or a bill of materials',
  positionals: { packages: rest('Packages, or NAME=VERSION for one version') },
  options: OPTIONS,
  examples: [
    ['report git make --index setup.xz --open', 'the plan as one HTML file that works without network'],
    ['report --lock cygstrap.lock.json --before old.lock.json', 'what an update of the lock changed'],
    ['report --lock cygstrap.lock.json --index setup.xz --format cyclonedx', 'a software bill of materials'],
    ['report --repo repo --out repo.html', 'what takes the space in a repo'],
  ],
  run: report,
});

async function report(session: Session, args: ReportArguments): Promise<number> {
  const { output, host } = session;
  const { format, out = FILES[format] } = args;
  const page = args.open ? '--open' : args.before && '--before';
  if (page && format !== 'html') throw new UsageError(`${page} cannot be combined with --format ${format}`);
  const [subject, { makeReport }, { saveReport }] = await Promise.all([
    subjectOf(session, args),
    import('../../api/report.ts'),
    import('../../api/report-page.ts'),
  ]);
  const context = { ...answerContext(session, args), lenient: args.lenient, format };
  const result = await interruptible((signal) => makeReport(subject, { ...context, signal }));
  if (result.kind === 'conflict') {
    if (result.side === 'old' && !args.json) output.plain(`with the earlier index, \`${args.before}\`:`);
    return refuse(output, result.conflicts, args);
  }
  const { text, packages } = result;
  await saveReport(out, text, { open: args.open, env: host.env });
  const size = Buffer.byteLength(text);
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, report: out, packages, size });
  } else await output.data(`wrote \`${out}\`: ${countText(packages, 'package')}, ${sizeText(size)}\n`);
  return EXIT_DONE;
}

async function subjectOf(session: Session, args: ReportArguments): Promise<ReportSubject> {
  const { lock, repo, before } = args;
  const hasIndex = [args.index, args.site, args.addSite, args.unsignedSite].some((names) => names.length > 0);
  if (lock !== undefined) {
    const loaded = hasIndex ? await openCatalog(session, args, { digest: false }) : undefined;
    return { kind: 'lock', lock, loaded, before };
  }
  const older = { ...args, site: [], addSite: [], unsignedSite: [], index: before === undefined ? [] : [before] };
  const old = before === undefined ? undefined : await openCatalog(session, older, { digest: false });
  if (repo !== undefined) return { kind: 'repo', repo, before: old };
  const project = await projectOptionsOf(args, { report: reporter(session.output, args) });
  await requireRequest(project);
  const loaded = await openCatalog(session, args, { digest: false, project });
  return { kind: 'plan', request: project.request, loaded, before: old };
}
