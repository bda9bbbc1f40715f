import type { LockSource } from '../../api/lock.ts';
import type { Report } from '../../events.ts';
import type { LockDifference } from '../../core/lock/diff.ts';
import { DEFAULT_ARCH, LOCK_NAME } from '../../core/lock/lock.ts';
import type { Lock } from '../../core/lock/lock.ts';
import { columns, countText, printable, sizeText } from '../../report/text.ts';
import { defineCommand, flag, grouped, rest, splitList, value, withDefault } from '../declare.ts';
import type { Arguments } from '../declare.ts';
import { EXIT_DONE, UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { INDEX_OPTIONS } from '../options.ts';
import { PROJECT_OPTIONS, projectOptionsOf } from '../project.ts';
import type { ProjectOptions } from '../project.ts';
import { refuse } from '../refuse.ts';
import { openCatalog } from '../open-catalog.ts';
import { reporter } from '../reporter.ts';
import type { Session } from '../session.ts';
import { SITE_OPTIONS, keyringOf, siteOptionsOf, sitesOf } from '../sites.ts';
import { packageVersion } from '../version.ts';

type LockArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

const OPTIONS = {
  ...SITE_OPTIONS,
  ...INDEX_OPTIONS,
  ...PROJECT_OPTIONS,
  ...grouped('Output', { out: withDefault(value('FILE', 'Write the lock to this file'), LOCK_NAME) }),
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
    ['lock gcc-core openssh --index setup.xz', `writes ${LOCK_NAME}`],
    ['lock --check', 'exit 1 when the lock does not match the project file'],
    ['lock --update openssh --index setup.xz', 'updates openssh, and what must change with it'],
  ],
  run(session, args) {
    if (args.check && args.update) throw new UsageError('--check cannot be combined with --update');
    if (args.check && (args.index.length > 0 || args.site.length > 0))
      throw new UsageError('--check reads no index: it cannot be combined with --index or --site');
    if (args.index.length > 0 && args.site.length > 0) throw new UsageError('--index cannot be combined with --site');
    if (args.check) return check(session, args);
    return args.update ? update(session, args) : make(session, args);
  },
});

async function check(session: Session, args: LockArguments): Promise<number> {
  const [project, { readLock, requireAnswer }, { lockRequestOf }] = await Promise.all([
    projectOptionsOf(args),
    import('../../api/lock-file.ts'),
    import('../../core/lock/make.ts'),
  ]);
  const lock = await readLock(args.out);
  const isCompared = project.isOnCommandLine || project.file !== undefined;
  if (isCompared) requireAnswer(lock, lockRequestOf(project.request, project.arch ?? lock.request.arch), args.out);
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, lock: args.out, compared: isCompared, packages: lock.packages.length });
  } else {
    const what = isCompared
      ? `answers the request${project.file === undefined ? '' : ` of \`${project.file}\``}`
      : 'is well formed; there is no request to compare it with';
    await session.output.data(printable(`\`${args.out}\` ${what}\n`));
  }
  return EXIT_DONE;
}

async function make(session: Session, args: LockArguments): Promise<number> {
  const project = await projectOptionsOf(args);
  const report = reporter(session.output, args);
  const source = await sourceOf(session, args, project);
  const [{ makeLock }, { readOldLock }] = await Promise.all([
    import('../../api/lock.ts'),
    import('../../api/lock-file.ts'),
  ]);
  const before = await readOldLock(args.out, report);
  const result = makeLock(source, project.request, optionsOf(args, project.arch, report));
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args.json ? 'json' : 'text');
  return write(session, args, before, result.lock);
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
  const source = await sourceOf(session, args, project);
  const { updateLock } = await import('../../api/lock.ts');
  const result = updateLock(
    source,
    request,
    { before, names: splitList(args.packages) },
    optionsOf(args, arch, reporter(session.output, args)),
  );
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args.json ? 'json' : 'text');
  return write(session, args, before, result.lock);
}

/** Loads the indexes that `--index` names, or else the verified indexes of the sites. */
async function sourceOf(session: Session, args: LockArguments, { config, arch }: ProjectOptions): Promise<LockSource> {
  if (args.index.length > 0 || (args.site.length === 0 && config.sites === undefined))
    return { loaded: await openCatalog(session, args) };
  const { loadFromSites } = await import('../../api/site-index.ts');
  const { env } = session.host;
  const report = reporter(session.output, args);
  return interruptible((signal) =>
    loadFromSites(sitesOf(args, config), {
      siteOptions: siteOptionsOf(args, env),
      arch: arch ?? DEFAULT_ARCH,
      keyring: keyringOf(args, config),
      unsigned: args.unsigned,
      load: { lenient: args.lenient, cache: !args.noCache, env, report },
      report,
      signal,
    }),
  );
}

function optionsOf(args: LockArguments, arch: string | undefined, report: Report) {
  return { arch, report, resolver: `cygstrap ${packageVersion()}`, allowUndigested: args.allowUndigested };
}

async function write(session: Session, args: LockArguments, before: Lock | undefined, lock: Lock): Promise<number> {
  const [{ writeLock }, { diffLocks }, { lockedFiles }] = await Promise.all([
    import('../../api/lock-file.ts'),
    import('../../core/lock/diff.ts'),
    import('../../core/lock/files.ts'),
  ]);
  const isWritten = await writeLock(args.out, lock);
  const difference = before === undefined ? undefined : diffLocks(before, lock);
  const files = lockedFiles(lock);
  const sizeBytes = files.reduce((sum, { size }) => sum + size, 0);
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    const { request, indexes, packages } = lock;
    await session.output.json({
      schema: SCHEMA,
      lock: args.out,
      written: isWritten,
      request,
      indexes,
      packages: packages.length,
      files: files.length,
      size: sizeBytes,
      difference: difference ?? null,
    });
    return EXIT_DONE;
  }
  const changes = difference === undefined ? '' : differenceLines(difference);
  const verb = isWritten ? 'locked' : 'nothing changed: locked';
  await session.output.data(
    printable(
      `${changes}${verb} in \`${args.out}\`: ${countText(lock.packages.length, 'package')}, ${countText(files.length, 'file')}, ${sizeText(sizeBytes)}\n`,
    ),
  );
  return EXIT_DONE;
}

function differenceLines({ added, removed, changed, downloadBytes, obsoleteBytes }: LockDifference): string {
  const rows = [
    ...added.map(({ name, version }) => ['+', name, '', version]),
    ...removed.map(({ name, version }) => ['-', name, version]),
    ...changed.map(({ name, from, to, direction }) => ['~', name, from, to, direction]),
  ].sort(([, a = ''], [, b = '']) => (a < b ? -1 : a > b ? 1 : 0));
  if (rows.length + downloadBytes + obsoleteBytes === 0) return '';
  return `${columns(rows)}${added.length} added, ${removed.length} removed, ${changed.length} changed, ${sizeText(downloadBytes)} to download, ${sizeText(obsoleteBytes)} no longer needed\n`;
}
