import type { LintResult } from '../../api/lint.ts';
import { countText } from '../../report/text.ts';
import { defineCommand, one } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO } from '../terminal/failure.ts';
import { READING_OPTIONS } from '../options/options.ts';
import type { ReadingArguments } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { interruptible } from '../terminal/interrupt.ts';

export const lintCommand = defineCommand({
  name: 'lint',
  summary: 'List the errors for which setup refuses an index, and problems that setup accepts',
  positionals: { file: one('A setup.ini, plain or compressed, or - for stdin') },
  options: READING_OPTIONS,
  examples: [['lint setup.ini', 'findings as FILE:LINE:COLUMN; exit 1 on errors']],
  run: check,
});

async function check(session: Session, args: ReadingArguments & { readonly file: string }): Promise<number> {
  const { lintIndex } = await import('../../api/lint.ts');
  const options = {
    stdin: session.host.stdin,
    lenient: args.lenient,
    cache: !args.noCache,
    env: session.host.env,
    report: reporter(session.output, args),
  };
  const result = await interruptible((signal) => lintIndex(args.file, { ...options, signal }));
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, ...result });
  } else await session.output.data(lintText(result));
  return result.errors > 0 ? EXIT_NO : EXIT_DONE;
}

function lintText({ findings, errors, warnings }: LintResult): string {
  const lines = findings.map(
    ({ file, line, column, severity, message, code }) =>
      `${file}:${line}:${column}: ${severity}: ${message} [${code}]\n`,
  );
  return `${lines.join('')}${countText(errors, 'error')}, ${countText(warnings, 'warning')}\n`;
}
