import type { Argv } from 'yargs';
import type { LintResult } from '../../api/lint.ts';
import { countText, printable } from '../../report/text.ts';
import { EXIT_DONE, EXIT_NO } from '../failure.ts';
import { restoreDashes, withReadingOptions } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface LintArguments extends ReadingArguments {
  readonly file: string;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap lint`. */
export function addLint(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'lint <file>',
    'List what setup refuses in an index, and what it accepts but users get to feel',
    (y) => {
      const named = y.positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A setup.ini, plain or compressed, or - for stdin',
      });
      return withReadingOptions(named).example(
        '$0 lint setup.ini',
        'findings as FILE:LINE:COLUMN; exit 1 when there are errors',
      );
    },
    (args) => choose((session) => lint(session, { ...args, file: restoreDashes(args.file) })),
  );
}

async function lint(session: Session, args: LintArguments): Promise<number> {
  const { lintIndex } = await import('../../api/lint.ts');
  const result = await lintIndex(args.file, {
    stdin: session.host.stdin,
    lenient: args.lenient === true,
    cache: args.noCache !== true,
    env: session.host.env,
    report: reporter(session.output, args),
  });
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, ...result });
  } else await session.output.data(lintText(result));
  return result.errors > 0 ? EXIT_NO : EXIT_DONE;
}

function lintText({ findings, errors, warnings }: LintResult): string {
  const lines = findings.map(({ file, line, column, severity, message, code }) =>
    printable(`${file}:${line}:${column}: ${severity}: ${message} [${code}]\n`),
  );
  return `${lines.join('')}${countText(errors, 'error')}, ${countText(warnings, 'warning')}\n`;
}
