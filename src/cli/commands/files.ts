import { printableLine } from '../../printable.ts';
import { defineCommand, flag, grouped, one } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { LISTING_OPTIONS, listingOf } from '../options/listing.ts';
import { EXIT_DONE, EXIT_NO, reportFailure } from '../terminal/failure.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = { ...LISTING_OPTIONS, ...grouped('Request', { source: flag('List the files of the source archive') }) };

export const filesCommand = defineCommand({
  name: 'files',
  summary: 'List the files of a package',
  positionals: { package: one('Name of the package, or NAME=VERSION') },
  options: OPTIONS,
  examples: [
    ['files openssh', 'from the list that cygwin.com has; directories end in /'],
    ['files openssh=9.9p1-1 --repo ./repo', 'from the archive in a repo'],
  ],
  run: list,
});

async function list(session: Session, args: Arguments<typeof OPTIONS> & { readonly package: string }): Promise<number> {
  const { listFiles } = await import('../../api/files.ts');
  const { listSiteFiles } = await import('../../api/site-files.ts');
  const { package: item, source, arch, listingSite } = args;
  const result = await listingOf(session, args, {
    ofRepo: (repo, context) => listFiles({ repo, package: item, source, arch }, context),
    ofSite: (loaded, context) => listSiteFiles(loaded, { package: item, source, listingSite }, context),
  });
  if (result.kind === 'absent') {
    await reportFailure(result.error, session.output, args.json ? 'json' : 'text');
    return EXIT_NO;
  }
  if (args.json) {
    const { archiveJson, envelope } = await import('../../report/json.ts');
    const { indexes, name, version, archive, from, files } = result;
    await session.output.json({ ...envelope(indexes), name, version, archive: archiveJson(archive), from, files });
  } else
    await session.output.data(
      result.files.map(({ path, type }) => `${printableLine(path)}${type === 'directory' ? '/' : ''}\n`).join(''),
    );
  return EXIT_DONE;
}
