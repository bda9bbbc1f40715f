import type { IndexSource } from '../../api/load-catalog.ts';
import type { LintResult } from '../../api/lint.ts';
import { countText } from '../../report/text.ts';
import { defineCommand, excluding, grouped, list, optional } from '../options/declare.ts';
import type { Arguments, Option } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO, UsageError } from '../terminal/failure.ts';
import { cacheOf, SOURCE_OPTIONS } from '../options/options.ts';
import type { SourceArguments } from '../options/options.ts';
import { pathOrUrlOf } from '../options/path.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { sitesOfUrls, withSites } from '../terminal/open-catalog.ts';

const OPTIONS = {
  ...SOURCE_OPTIONS,
  site: withoutFile(SOURCE_OPTIONS.site),
  'add-site': withoutFile(SOURCE_OPTIONS['add-site']),
  'unsigned-site': withoutFile(SOURCE_OPTIONS['unsigned-site']),
  ...grouped('Reading', {
    with: list(
      'FILE',
      'Do not warn of what this index, a file or URL, provides; the other is merged with it; repeat for several',
      (text, option) => pathOrUrlOf(text, `--${option}`),
    ),
  }),
};

export const lintCommand = defineCommand({
  name: 'lint',
  summary: 'List the errors for which setup refuses an index, and problems that setup accepts',
  positionals: {
    file: optional('A setup.ini, plain or compressed, or - for stdin; by default that of the sites', pathOrUrlOf),
  },
  options: OPTIONS,
  examples: [
    ['lint setup.ini', 'findings as FILE:LINE:COLUMN; exit 1 on errors'],
    ['lint overlay.ini --with setup.xz', 'requirements that neither index provides'],
  ],
  run: check,
});

function withoutFile<T>(option: Option<T>): Option<T> {
  return excluding(option, ['file'], 'name the index of a mirror with `--with URL`');
}

type LintArguments = Arguments<typeof OPTIONS> & { readonly file: string | undefined };

async function check(session: Session, args: LintArguments): Promise<number> {
  const { lintIndex } = await import('../../api/lint.ts');
  const options = {
    stdin: session.host.stdin,
    lenient: args.lenient,
    ...cacheOf(args),
    env: session.host.env,
    report: reporter(session.output, args),
  };
  if ([args.file, ...args.with].filter((name) => name === '-').length > 1)
    throw new UsageError('stdin can be read only once');
  const source = args.file === undefined ? await indexOfSites(session, args) : await indexOf(session, args, args.file);
  const beside: IndexSource[] = [];
  for (const name of args.with) beside.push(await indexOf(session, args, name));
  const result = await interruptible((signal) => lintIndex(source, { ...options, beside, signal }));
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, ...result });
  } else await session.output.data(lintText(result));
  return result.errors > 0 ? EXIT_NO : EXIT_DONE;
}

/** Returns the index of a URL, whose signature is checked; any other name is a file. */
async function indexOf(session: Session, args: SourceArguments, name: string): Promise<IndexSource> {
  const none = { ...args, site: [], addSite: [], unsignedSite: [] };
  const urls = await sitesOfUrls({ ...none, index: [name] });
  return urls === undefined ? name : indexOfSites(session, { ...none, ...urls });
}

async function indexOfSites(session: Session, args: SourceArguments): Promise<IndexSource> {
  const [{ loadProject }, { indexesOfSites, sourceOf }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/load-from-sites.ts'),
  ]);
  const project = await loadProject(undefined);
  const [index, other] = await withSites(session, args, { project, arch: args.arch }, indexesOfSites);
  if (index === undefined || other !== undefined) throw new UsageError('only one index can be checked at a time');
  return sourceOf(index);
}

function lintText({ findings, errors, warnings }: LintResult): string {
  const lines = findings.map(
    ({ file, line, column, severity, message, code }) =>
      `${file}:${line}:${column}: ${severity}: ${message} [${code}]\n`,
  );
  return `${lines.join('')}${countText(errors, 'error')}, ${countText(warnings, 'warning')}\n`;
}
