import { DEFAULTS } from '../../api/defaults.ts';
import type { LockSource } from '../../api/lock.ts';
import type { Report } from '../../events.ts';
import type { LockDifference } from '../../core/lock/diff.ts';
import type { Lock } from '../../core/lock/lock.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, flag, grouped, rest, splitList, value, withDefault } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { INDEX_OPTIONS, ANSWER_OPTIONS } from '../options/options.ts';
import { PROJECT_OPTIONS, projectOptionsOf } from '../options/project.ts';
import type { ProjectOptions } from '../options/project.ts';
import { refuse } from '../terminal/refuse.ts';
import { openCatalog, openSites } from '../terminal/open-catalog.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

type LockArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

const OPTIONS = {
  ...INDEX_OPTIONS,
  ...PROJECT_OPTIONS,
  ...ANSWER_OPTIONS,
  ...grouped('Output', { out: withDefault(value('FILE', 'Write the lock to this file'), DEFAULTS.lock) }),
  ...grouped('Request', {
    check: flag('Check whether the lock matches the request; read no index'),
    update: flag('Update only the named packages, or all without names'),
    'allow-undigested': flag('Accept archives for which the index gives no digest'),
  }),
};

export const lockCommand = defineCommand({
  name: 'lock',
  summary: 'Write a lock: every file of a plan with its size and digest, to fetch the same files again',
  positionals: { packages: rest('Packages, or NAME=VERSION; with --update the packages to update') },
  options: OPTIONS,
  examples: [
    ['lock gcc-core openssh --index setup.xz', `writes ${DEFAULTS.lock}`],
    ['lock --check', 'exit 1 when the lock does not match the project file'],
    ['lock --update openssh --index setup.xz', 'updates openssh, and what must change with it'],
  ],
  run(session, args) {
    if (args.check && args.update) throw new UsageError('--check cannot be combined with --update');
    const namesSite = [args.site, args.addSite, args.unsignedSite].some((sites) => sites.length > 0);
    if (args.check && (args.index.length > 0 || namesSite))
      throw new UsageError('--check reads no index: it cannot be combined with --index or --site');
    if (args.index.length > 0 && namesSite) throw new UsageError('--index cannot be combined with --site');
    if (args.check) return check(session, args);
    return args.update ? update(session, args) : make(session, args);
  },
});

async function check({ output }: Session, args: LockArguments): Promise<number> {
  const project = await projectOptionsOf(args);
  const hasRequest = project.isOnCommandLine || project.file !== undefined;
  const { checkLock } = await import('../../api/lock-check.ts');
  const { isCompared, packages, undigested } = await checkLock(
    { lock: args.out, request: hasRequest ? project.request : undefined, arch: project.arch },
    { report: reporter(output, args) },
  );
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, lock: args.out, compared: isCompared, packages, undigested });
  } else {
    const what = isCompared
      ? `answers the request${project.file === undefined ? '' : ` of \`${project.file}\``}`
      : 'is well formed; there is no request to compare it with';
    await output.data(`\`${args.out}\` ${what}\n`);
  }
  return EXIT_DONE;
}

async function make(session: Session, args: LockArguments): Promise<number> {
  const project = await projectOptionsOf(args);
  const report = reporter(session.output, args);
  const [{ makeLock }, { readOldLock }] = await Promise.all([
    import('../../api/lock.ts'),
    import('../../api/lock-file.ts'),
  ]);
  const before = await readOldLock(args.out, report);
  const source = await sourceOf(session, args, project, before);
  const options = optionsOf(args, project.arch, report);
  const result = await interruptible((signal) => makeLock(source, project.request, { ...options, signal }));
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args);
  return save(session, args, before, result.lock);
}

/** Uses the request of the project file, or without one that of the lock, under the options of the command line. */
async function update(session: Session, args: LockArguments): Promise<number> {
  const pinned = args.packages.find((name) => name.includes('='));
  if (pinned !== undefined)
    throw new UsageError(
      `--update accepts only package names: \`${pinned}\``,
      'pin a version in the request: in the project file, or with `cygstrap lock NAME=VERSION`',
    );
  const { readLock } = await import('../../api/lock-file.ts');
  const before = await readLock(args.out);
  const project = await projectOptionsOf({ ...args, packages: [] }, before.request);
  const { request, arch } = project;
  const source = await sourceOf(session, args, project, before);
  const { updateLock } = await import('../../api/lock.ts');
  const options = optionsOf(args, arch, reporter(session.output, args));
  const names = splitList(args.packages);
  const result = await interruptible((signal) =>
    updateLock(source, request, { before, names }, { ...options, signal }),
  );
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args);
  return save(session, args, before, result.lock);
}

/** Loads the indexes that `--index` names, or else the verified indexes of the sites. */
async function sourceOf(
  session: Session,
  args: LockArguments,
  { config, arch, file }: ProjectOptions,
  before: Lock | undefined,
): Promise<LockSource> {
  if (args.index.length > 0) return { loaded: await openCatalog(session, args) };
  const { newestKnown } = await import('../../api/newest-index.ts');
  const newest = args.allowOlderIndex ? [] : await newestKnown(before, config.repo);
  return openSites(session, args, { project: { config, file }, arch, newest, mustAsk: true });
}

function optionsOf({ allowUndigested, solverLimit }: LockArguments, arch: string | undefined, report: Report) {
  return { arch, report, allowUndigested, solverLimit };
}

async function save({ output }: Session, args: LockArguments, before: Lock | undefined, lock: Lock): Promise<number> {
  const { saveLock } = await import('../../api/lock-save.ts');
  const { isWritten, difference, files, sizeBytes } = await saveLock(args.out, lock, before);
  const packages = lock.packages.length;
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    const { request, indexes } = lock;
    await output.json({
      schema: SCHEMA,
      lock: args.out,
      written: isWritten,
      request,
      indexes,
      packages,
      files,
      size: sizeBytes,
      difference: difference ?? null,
    });
    return EXIT_DONE;
  }
  const changes = difference === undefined ? '' : await changesText(difference);
  const verb = isWritten ? 'locked' : 'nothing changed: locked';
  const counts = `${countText(packages, 'package')}, ${countText(files, 'file')}, ${sizeText(sizeBytes)}`;
  await output.data(`${changes}${verb} in \`${args.out}\`: ${counts}\n`);
  return EXIT_DONE;
}

async function changesText(difference: LockDifference): Promise<string> {
  const { added, removed, changed, downloadBytes, obsoleteBytes } = difference;
  if (added.length + removed.length + changed.length + downloadBytes + obsoleteBytes === 0) return '';
  const { differenceText } = await import('../../report/difference.ts');
  const sizes = `${sizeText(downloadBytes)} to download, ${sizeText(obsoleteBytes)} no longer needed`;
  return `${differenceText(difference)}, ${sizes}\n`;
}
