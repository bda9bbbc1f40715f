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
  examples: [['files openssh --repo ./repo', 'one path a line; directories end in /']],
  run: list,
});

async function list(session: Session, args: Arguments<typeof OPTIONS> & { readonly package: string }): Promise<number> {
  const { listFiles } = await import('../../api/files.ts');
  const result = await listingOf(session, args, (repo, context) =>
    listFiles({ repo, package: args.package, source: args.source, arch: args.arch }, context),
  );
  if (result.kind === 'absent') {
    await reportFailure(result.error, session.output, args.json ? 'json' : 'text');
    return EXIT_NO;
  }
  if (args.json) {
    const { archiveJson, envelope } = await import('../../report/json.ts');
    const { indexes, name, version, archive, files } = result;
    await session.output.json({ ...envelope(indexes), name, version, archive: archiveJson(archive), files });
  } else
    await session.output.data(
      result.files.map(({ path, type }) => `${printableLine(path)}${type === 'directory' ? '/' : ''}\n`).join(''),
    );
  return EXIT_DONE;
}
