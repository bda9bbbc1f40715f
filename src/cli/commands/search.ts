import type { Argv } from 'yargs';
import { columns, printable } from '../../report/text.ts';
import { EXIT_DONE, EXIT_NO, UsageError } from '../failure.ts';
import { once, splitList, withIndexOptions } from '../options.ts';
import { openCatalog } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface SearchArguments extends ReadingArguments {
  readonly text?: string | undefined;
  readonly regexp?: boolean | undefined;
  readonly category?: readonly string[] | undefined;
  readonly provides?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap search`. */
export function addSearch(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'search [text]',
    'Find packages by name, description, category or what they provide',
    (y) => {
      const named = y.positional('text', {
        type: 'string',
        describe: 'Part of a name or short description, in either case',
      });
      return withIndexOptions(named)
        .option('regexp', { type: 'boolean', describe: 'Take the text for a regular expression' })
        .option('category', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'Only packages of these categories',
        })
        .option('provides', {
          type: 'string',
          requiresArg: true,
          coerce: once('provides'),
          describe: 'Only packages that provide or replace this name',
        })
        .example('$0 search ssh --index setup.xz', 'names and descriptions with ssh')
        .example("$0 search --regexp '^lib.*-devel$' --category Libs --index setup.xz", 'by pattern and category');
    },
    (args) => choose((session) => search(session, args)),
  );
}

async function search(session: Session, args: SearchArguments): Promise<number> {
  const categories = splitList(args.category);
  if (args.text === undefined && categories.length === 0 && args.provides === undefined) {
    throw new UsageError('nothing to search for', 'give a text, `--category` or `--provides`');
  }
  const { literalPattern, searchPackages } = await import('../../api/search.ts');
  const pattern =
    args.text === undefined ? undefined : args.regexp === true ? regexpOf(args.text) : literalPattern(args.text);
  const { catalog, indexes } = await openCatalog(session, args, { digest: args.json === true });
  const matches = searchPackages(catalog, {
    categories,
    ...(pattern === undefined ? {} : { pattern }),
    ...(args.provides === undefined ? {} : { provides: args.provides }),
  });
  if (args.json === true) {
    const { envelope } = await import('../../report/json.ts');
    await session.output.json({ ...envelope(indexes), packages: matches });
  } else
    await session.output.data(
      printable(columns(matches.map(({ name, version, sdesc }) => [name, version, sdesc.replace(/\s+/g, ' ')]))),
    );
  if (matches.length > 0) return EXIT_DONE;
  if (args.quiet !== true && args.json !== true) session.output.note('note', 'no package matches');
  return EXIT_NO;
}

function regexpOf(text: string): RegExp {
  try {
    return new RegExp(text, 'iu');
  } catch (cause) {
    throw new UsageError(`not a regular expression: ${cause instanceof Error ? cause.message : text}`);
  }
}
