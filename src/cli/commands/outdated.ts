import { columns } from '../../report/text.ts';
import { defineCommand } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { LOCK_OPTIONS, knownLockOf } from '../options/lock.ts';
import { INDEX_OPTIONS } from '../options/options.ts';
import { CONFIG_OPTION } from '../options/project.ts';
import { EXIT_DONE, EXIT_NO } from '../terminal/failure.ts';
import { openCatalog, openSites } from '../terminal/open-catalog.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = { ...INDEX_OPTIONS, ...CONFIG_OPTION, ...LOCK_OPTIONS };

export const outdatedCommand = defineCommand({
  name: 'outdated',
  summary: 'List the locked packages for which the index has a newer version; exit 1 if there are any',
  options: OPTIONS,
  examples: [['outdated', 'name, locked version, newest version']],
  run: listOutdated,
});

async function listOutdated(session: Session, args: Arguments<typeof OPTIONS>): Promise<number> {
  const [{ loadProject }, { readLock }, { outdatedPackages }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/lock-file.ts'),
    import('../../api/outdated.ts'),
  ]);
  const project = await loadProject(args.config);
  const file = await knownLockOf(args, project);
  const lock = await readLock(file);
  const arch = args.arch ?? lock.request.arch;
  const loaded =
    args.index.length > 0
      ? await openCatalog(session, args, { digest: args.json })
      : await openSites(session, args, { project, arch, mustAsk: true });
  const outdated = outdatedPackages(loaded, lock);
  if (args.json) {
    const { envelope } = await import('../../report/json.ts');
    await session.output.json({ ...envelope(loaded.indexes), lock: file, outdated });
  } else if (outdated.length > 0) {
    const rows = outdated.map(({ name, locked, newest }) => [name, locked, newest]);
    await session.output.data(columns([['PACKAGE', 'LOCKED', 'NEWEST'], ...rows]));
  }
  return outdated.length > 0 ? EXIT_NO : EXIT_DONE;
}
