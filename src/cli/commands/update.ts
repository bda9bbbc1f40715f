import type { Arguments } from '../options/declare.ts';
import { defineCommand, rest, splitList } from '../options/declare.ts';
import { LOCKING_OPTIONS, knownLockOf } from '../options/lock.ts';
import { ANSWER_OPTIONS, INDEX_OPTIONS } from '../options/options.ts';
import { PROJECT_OPTIONS, projectOptionsOf } from '../options/project.ts';
import { UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { lockOptionsOf, openLockSource, saveAndPrint } from '../terminal/locking.ts';
import { refuse } from '../terminal/refuse.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = { ...INDEX_OPTIONS, ...PROJECT_OPTIONS, ...ANSWER_OPTIONS, ...LOCKING_OPTIONS };

export const updateCommand = defineCommand({
  name: 'update',
  summary: 'Update the lock to newer versions: only the named packages and what they require, or all without names',
  positionals: { packages: rest('Packages to update; without any, all') },
  options: OPTIONS,
  examples: [
    ['update openssh', 'updates openssh, and what must change with it'],
    ['update', 'updates everything'],
  ],
  run: update,
});

/** Uses the request of the project file, or without one that of the lock, under the options of the command line. */
async function update(
  session: Session,
  args: Arguments<typeof OPTIONS> & { readonly packages: readonly string[] },
): Promise<number> {
  const names = splitList(args.packages);
  const pinned = names.find((name) => name.includes('='));
  if (pinned !== undefined)
    throw new UsageError(
      `\`update\` accepts only package names: \`${pinned}\``,
      `pin a version in the project file with \`cygstrap add ${pinned}\``,
    );
  const [{ loadProject }, { readLock }, { updateLock }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/lock-file.ts'),
    import('../../api/lock.ts'),
  ]);
  const { file: projectFile } = await loadProject(args.config);
  const file = await knownLockOf(args, { file: projectFile, isOnCommandLine: names.length > 0 });
  const before = await readLock(file);
  const project = await projectOptionsOf({ ...args, packages: [] }, { otherwise: before.request });
  const source = await openLockSource(session, args, project, before);
  const options = lockOptionsOf(session, args, project.arch);
  const result = await interruptible((signal) =>
    updateLock(source, project.request, { before, names }, { ...options, signal }),
  );
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args);
  return saveAndPrint(session, args, { file, before, lock: result.lock });
}
