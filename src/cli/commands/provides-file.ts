import type { FileSearchResult } from '../../api/files.ts';
import { columns, countText } from '../../report/text.ts';
import { defineCommand, one } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { LISTING_OPTIONS, listingOf } from '../options/listing.ts';
import { EXIT_DONE, EXIT_NO } from '../terminal/failure.ts';
import type { Session } from '../terminal/session.ts';

/** Packages that a message lists. */
const SHOWN_PACKAGES = 8;

export const providesFileCommand = defineCommand({
  name: 'provides-file',
  summary: 'Find the packages that have a file',
  positionals: { file: one('Path, name, or glob such as libssl*.dll; ** also matches /') },
  options: LISTING_OPTIONS,
  examples: [
    ['provides-file /usr/bin/ssh --repo ./repo', 'the package with this file; .exe can be omitted'],
    ['provides-file ssh --repo ./repo', 'all files of this name'],
    ["provides-file '/etc/**/*.conf' --repo ./repo", 'all files that match'],
  ],
  run: find,
});

async function find(
  session: Session,
  args: Arguments<typeof LISTING_OPTIONS> & { readonly file: string },
): Promise<number> {
  const { output } = session;
  const { findFiles } = await import('../../api/files.ts');
  const result = await listingOf(session, args, (repo, context) =>
    findFiles({ repo, pattern: args.file, arch: args.arch }, context),
  );
  const { indexes, matches, searched, unsearched } = result;
  if (args.json) {
    const { envelope } = await import('../../report/json.ts');
    await output.json({ ...envelope(indexes), matches, searched, unsearched });
  } else {
    await output.data(columns(matches.map(({ name, version, path }) => [`${name}-${version}`, path])));
    if (matches.length === 0)
      output.note('error', `no file of ${countText(searched, 'package')} matches \`${args.file}\``);
    if (!args.quiet) for (const text of unsearchedTexts(result)) output.note('warning', text);
  }
  return matches.length === 0 ? EXIT_NO : EXIT_DONE;
}

function* unsearchedTexts({ unsearched }: FileSearchResult): Generator<string, void, undefined> {
  const missing = unsearched.filter(({ why }) => why === undefined);
  if (missing.length > 0) {
    const shown = missing.slice(0, SHOWN_PACKAGES).map(({ name, version }) => `${name}-${version}`);
    const more = missing.length - shown.length;
    yield (
      `${countText(missing.length, 'package')} not searched, whose archives are not in the repo: ` +
      `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
    );
  }
  for (const { name, version, why } of unsearched)
    if (why !== undefined) yield `the archive of ${name}-${version} is not searched: ${why}`;
}
