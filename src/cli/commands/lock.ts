import type { Argv } from 'yargs';
import type { LockSource } from '../../api/lock.ts';
import type { Report } from '../../events.ts';
import type { LockDifference } from '../../core/lock/diff.ts';
import { DEFAULT_ARCH, LOCK_NAME } from '../../core/lock/lock.ts';
import type { Lock } from '../../core/lock/lock.ts';
import { columns, countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE, UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { once, splitList, withIndexOptions, withRequestOptions } from '../options.ts';
import { askedOf, withProjectOptions } from '../project.ts';
import type { Asked, ProjectArguments } from '../project.ts';
import { refuse } from '../refuse.ts';
import { openCatalog, reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';
import { keyringOf, siteOptionsOf, sitesOf, withSiteOptions } from '../sites.ts';
import type { SiteArguments } from '../sites.ts';
import { packageVersion } from '../version.ts';

interface LockArguments extends ReadingArguments, ProjectArguments, SiteArguments {
  readonly installed?: string | undefined;
  readonly out: string;
  readonly check?: boolean | undefined;
  readonly update?: boolean | undefined;
  readonly allowUndigested?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap lock`. */
export function addLock(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'lock [packages..]',
    'Write down every file of a plan with its digest, so that the same can be fetched again',
    (y) => {
      const named = y.positional('packages', {
        type: 'string',
        array: true,
        describe: 'Packages, or NAME=VERSION; with --update those that may move',
      });
      return withSiteOptions(withProjectOptions(withRequestOptions(withIndexOptions(named))))
        .option('out', {
          type: 'string',
          requiresArg: true,
          group: 'Output:',
          coerce: once('out'),
          describe: `The lock [default: ${LOCK_NAME}]`,
        })
        .option('check', {
          type: 'boolean',
          group: 'Request:',
          describe: 'Only tell whether the lock answers this request; reads no index',
        })
        .option('update', {
          type: 'boolean',
          group: 'Request:',
          describe: 'Let only the packages named move, or all without names',
        })
        .option('allow-undigested', {
          type: 'boolean',
          group: 'Request:',
          describe: 'Lock archives without digest by their size alone',
        })
        .example('$0 lock gcc-core openssh --index setup.xz', `writes ${LOCK_NAME}`)
        .example('$0 lock --check', 'exit 1 when the project file asks for something else')
        .example('$0 lock --update openssh --index setup.xz', 'openssh moves, and what must move with it');
    },
    (args) => {
      const packages = [...(args.packages ?? []), ...args._.slice(1).map(String)];
      choose((session) => lock(session, { ...args, packages, out: args.out ?? LOCK_NAME }));
    },
  );
}

async function lock(session: Session, args: LockArguments): Promise<number> {
  if (args.installed !== undefined)
    throw new UsageError('a lock is of a whole installation: --installed does not go with it');
  if (args.check === true && args.update === true) throw new UsageError('--check and --update do not go together');
  if (args.check === true && (args.index !== undefined || args.site !== undefined))
    throw new UsageError('--check reads no index');
  if (args.index !== undefined && args.site !== undefined)
    throw new UsageError('--index and --site do not go together');
  if (args.check === true) return check(session, args);
  return args.update === true ? update(session, args) : make(session, args);
}

async function check(session: Session, args: LockArguments): Promise<number> {
  const [asked, { readLock, requireAnswer }, { lockRequestOf }] = await Promise.all([
    askedOf(args),
    import('../../api/lock-file.ts'),
    import('../../core/lock/make.ts'),
  ]);
  const lock = await readLock(args.out);
  const isCompared = asked.isAsked || asked.file !== undefined;
  if (isCompared) requireAnswer(lock, lockRequestOf(asked.request, asked.arch ?? lock.request.arch), args.out);
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await session.output.json({ schema: SCHEMA, lock: args.out, compared: isCompared, packages: lock.packages.length });
  } else {
    const what = isCompared
      ? `answers the request${asked.file === undefined ? '' : ` of \`${asked.file}\``}`
      : 'is well formed; there is no request to compare it with';
    await session.output.data(printable(`\`${args.out}\` ${what}\n`));
  }
  return EXIT_DONE;
}

async function make(session: Session, args: LockArguments): Promise<number> {
  const asked = await askedOf(args);
  const report = reporter(session.output, args);
  const source = await sourceOf(session, args, asked);
  const [{ makeLock }, { readOldLock }] = await Promise.all([
    import('../../api/lock.ts'),
    import('../../api/lock-file.ts'),
  ]);
  const before = await readOldLock(args.out, report);
  const result = makeLock(source, asked.request, optionsOf(args, asked.arch, report));
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args.json === true ? 'json' : 'text');
  return write(session, args, before, result.lock);
}

/** The request is that of the project file, or else of the lock, under the options of the command line. */
async function update(session: Session, args: LockArguments): Promise<number> {
  const pinned = args.packages.find((name) => name.includes('='));
  if (pinned !== undefined)
    throw new UsageError(
      `after --update stand names only: \`${pinned}\``,
      'pin a version in the request: in the project file, or with `cygstrap lock NAME=VERSION`',
    );
  const { readLock } = await import('../../api/lock-file.ts');
  const before = await readLock(args.out);
  const asked = await askedOf({ ...args, packages: [] }, before.request);
  const { request, arch } = asked;
  const source = await sourceOf(session, args, asked);
  const { updateLock } = await import('../../api/lock.ts');
  const result = updateLock(
    source,
    request,
    { before, names: splitList(args.packages) },
    optionsOf(args, arch, reporter(session.output, args)),
  );
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args.json === true ? 'json' : 'text');
  return write(session, args, before, result.lock);
}

/** The indexes named, else those of the sites of the command line or the project file, verified. */
async function sourceOf(session: Session, args: LockArguments, { config, arch }: Asked): Promise<LockSource> {
  if (args.index !== undefined || (args.site === undefined && config.sites === undefined))
    return { loaded: await openCatalog(session, args) };
  const { loadFromSites } = await import('../../api/site-index.ts');
  const { env } = session.host;
  const report = reporter(session.output, args);
  return interruptible((signal) =>
    loadFromSites(sitesOf(args, config), {
      siteOptions: siteOptionsOf(args, env),
      arch: arch ?? DEFAULT_ARCH,
      keyring: keyringOf(args, config),
      unsigned: args.unsigned === true,
      load: { lenient: args.lenient === true, cache: args.noCache !== true, env, report },
      report,
      signal,
    }),
  );
}

function optionsOf(args: LockArguments, arch: string | undefined, report: Report) {
  return { arch, report, resolver: `cygstrap ${packageVersion()}`, allowUndigested: args.allowUndigested === true };
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
  if (args.json === true) {
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
