import type { ProjectChange, ProjectChangeResult } from '../../api/project-change.ts';
import { defineCommand, some, splitList } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { LOCKING_OPTIONS, lockFileOf } from '../options/lock.ts';
import { ANSWER_OPTIONS, INDEX_OPTIONS } from '../options/options.ts';
import { CONFIG_OPTION } from '../options/project.ts';
import { EXIT_DONE, EXIT_NO, UsageError, reportFailure } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { lockJson, lockOptionsOf, lockText, openLockSource } from '../terminal/locking.ts';
import { refuse } from '../terminal/refuse.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = { ...INDEX_OPTIONS, ...CONFIG_OPTION, ...ANSWER_OPTIONS, ...LOCKING_OPTIONS };

type ChangeArguments = Arguments<typeof OPTIONS>;

export const addCommand = defineCommand({
  name: 'add',
  summary: 'Add packages to the project file and the lock; other versions stay where they can',
  positionals: { packages: some('Packages, or NAME=VERSION to pin a version') },
  options: OPTIONS,
  examples: [
    ['add openssh git', 'writes cygstrap.json and the lock beside it'],
    ['add vim=9.0.2155-1', 'pins a version; `add vim` removes the pin'],
  ],
  run: (session, args) => change(session, args, { add: splitList(args.packages) }),
});

export const removeCommand = defineCommand({
  name: 'remove',
  summary: 'Remove packages from the project file, and from the lock what nothing else needs',
  positionals: { packages: some('Names of packages') },
  options: OPTIONS,
  examples: [['remove git', 'writes cygstrap.json and the lock beside it']],
  run(session, args) {
    const remove = splitList(args.packages);
    const pinned = remove.find((name) => name.includes('='));
    if (pinned !== undefined) throw new UsageError(`\`remove\` accepts only package names: \`${pinned}\``);
    return change(session, args, { remove });
  },
});

async function change(
  session: Session,
  args: ChangeArguments,
  packages: Pick<ProjectChange, 'add' | 'remove'>,
): Promise<number> {
  const [{ requireProject }, { readLockIfPresent }, { changeProject }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/lock-file.ts'),
    import('../../api/project-change.ts'),
  ]);
  const { file, config } = await requireProject(args.config);
  const project = { file, config: args.arch === undefined ? config : { ...config, arch: args.arch } };
  const lock = await lockFileOf(args, project);
  const source = await openLockSource(session, args, project, await readLockIfPresent(lock));
  const options = lockOptionsOf(session, args, project.config.arch);
  const result = await interruptible((signal) =>
    changeProject(source, { file, lock, ...packages }, { ...options, signal }),
  );
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args);
  if (result.kind === 'absent') {
    await reportFailure(result.error, session.output, args.json ? 'json' : 'text');
    return EXIT_NO;
  }
  return print(session, args, result);
}

async function print(
  { output }: Session,
  args: ChangeArguments,
  { kind: _kind, project, stillNeeded, ...saved }: Extract<ProjectChangeResult, { kind: 'changed' }>,
): Promise<number> {
  if (args.json) {
    await output.json({ ...(await lockJson(saved)), project, stillNeeded });
    return EXIT_DONE;
  }
  await output.data(await lockText(saved));
  if (args.quiet) return EXIT_DONE;
  if (!project.written) output.note('note', `\`${project.file}\` has this already`);
  for (const { name, chains } of stillNeeded) {
    const [first] = chains;
    const by = first?.reason === 'base' ? 'category Base needs it' : `\`${first?.steps[0]?.name}\` needs it`;
    output.note('note', `\`${name}\` stays in the lock: ${by}`);
  }
  return EXIT_DONE;
}
