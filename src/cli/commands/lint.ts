import type { IndexSource } from '../../api/load-catalog.ts';
import type { LintResult } from '../../api/lint.ts';
import { countText } from '../../report/text.ts';
import { defineCommand, optional } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO, UsageError } from '../terminal/failure.ts';
import { SOURCE_OPTIONS } from '../options/options.ts';
import type { SourceArguments } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { withSites } from '../terminal/open-catalog.ts';

export const lintCommand = defineCommand({
  name: 'lint',
  summary: 'List the errors for which setup refuses an index, and problems that setup accepts',
  positionals: { file: optional('A setup.ini, plain or compressed, or - for stdin; by default that of the sites') },
  options: SOURCE_OPTIONS,
  examples: [['lint setup.ini', 'findings as FILE:LINE:COLUMN; exit 1 on errors']],
  run: check,
});

type LintArguments = SourceArguments & { readonly file: string | undefined };

async function check(session: Session, args: LintArguments): Promise<number> {
  const { lintIndex } = await import('../../api/lint.ts');
  const options = {
    stdin: session.host.stdin,
    lenient: args.lenient,
    cache: !args.noCache,
    env: session.host.env,
    report: reporter(session.output, args),
  };
  const source = args.file ?? (await indexOfSites(session, args));
  const result = await interruptible((signal) => lintIndex(source, { ...options, signal }));
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, ...result });
  } else await session.output.data(lintText(result));
  return result.errors > 0 ? EXIT_NO : EXIT_DONE;
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
