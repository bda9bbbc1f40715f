import type { SearchMatch } from '../../api/search.ts';
import { CygstrapError } from '../../errors.ts';
import { columns } from '../../report/text.ts';
import { defineCommand, flag, list, optional, splitList, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO, UsageError, reportFailure } from '../terminal/failure.ts';
import { INDEX_OPTIONS } from '../options/options.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = {
  ...INDEX_OPTIONS,
  regexp: flag('Treat the text as a regular expression (RE2)'),
  category: list('NAME', 'Find only packages of these categories; repeat, or separate by commas'),
  provides: value('NAME', 'Find only packages that provide or replace this name'),
};

export const searchCommand = defineCommand({
  name: 'search',
  summary: 'Find packages by name, description, category or provided name',
  positionals: { text: optional('Part of a name or short description; case is ignored') },
  options: OPTIONS,
  examples: [
    ['search ssh --index setup.xz', 'packages with ssh in their name or description'],
    ["search --regexp '^lib.*-devel$' --category Libs --index setup.xz", 'by pattern and category'],
  ],
  run: find,
});

async function find(
  session: Session,
  args: Arguments<typeof OPTIONS> & { readonly text: string | undefined },
): Promise<number> {
  const categories = splitList(args.category);
  if (args.text === undefined && categories.length === 0 && args.provides === undefined) {
    throw new UsageError('nothing to search for', 'give a text, `--category` or `--provides`');
  }
  const { literalPattern, regularExpression, searchPackages } = await import('../../api/search.ts');
  const { text } = args;
  const pattern = text === undefined ? undefined : args.regexp ? await regularExpression(text) : literalPattern(text);
  const loaded = await openCatalog(session, args, { digest: args.json });
  let matches: SearchMatch[];
  try {
    matches = searchPackages(loaded, { categories, pattern, provides: args.provides });
  } catch (error) {
    if (!(error instanceof CygstrapError) || error.code !== 'not-found') throw error;
    // The answer is no, as for a name that no package has.
    await reportFailure(error, session.output, args.json ? 'json' : 'text');
    return EXIT_NO;
  }
  if (args.json) {
    const { envelope } = await import('../../report/json.ts');
    await session.output.json({ ...envelope(loaded.indexes), packages: matches });
  } else
    await session.output.data(
      columns(matches.map(({ name, version, sdesc }) => [name, version, sdesc.replace(/\s+/g, ' ')])),
    );
  if (matches.length > 0) return EXIT_DONE;
  if (!args.quiet && !args.json) session.output.note('note', 'no package matches');
  return EXIT_NO;
}
