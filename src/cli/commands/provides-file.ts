import type { FileSearchResult } from '../../api/file-results.ts';
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
    ['provides-file /usr/bin/ssh', 'the package with this file; .exe can be omitted'],
    ['provides-file ssh --repo ./repo', 'all files of this name in a repo'],
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
  const { findSiteFiles } = await import('../../api/site-files.ts');
  const { file: pattern, arch, listingSite } = args;
  const result = await listingOf(session, args, {
    ofRepo: (repo, context) => findFiles({ repo, pattern, arch }, context),
    ofSite: (loaded, context) => findSiteFiles(loaded, { pattern, listingSite }, context),
  });
  const { indexes, from, matches, searched, unsearched } = result;
  if (args.json) {
    const { envelope } = await import('../../report/json.ts');
    await output.json({ ...envelope(indexes), from, matches, searched, unsearched });
  } else {
    await output.data(columns(matches.map(({ name, version, path }) => [`${name}-${version}`, path])));
    if (matches.length === 0) {
      const where = args.repo === undefined ? `the lists of \`${from}\`` : countText(searched, 'package');
      output.note('error', `no file of ${where} matches \`${args.file}\``);
    }
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
    if (why !== undefined) yield `${name}-${version} is not searched: ${why}`;
}
