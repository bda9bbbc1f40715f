import { DEFAULTS } from '../../api/defaults.ts';
import { choice, defineCommand, excluding, flag, grouped, rest } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { LOCKING_OPTIONS, knownLockOf, lockFileOf } from '../options/lock.ts';
import { lockOptionsOf, openLockSource, saveAndPrint } from '../terminal/locking.ts';
import { ANSWER_OPTIONS, INDEX_EXCLUDES, INDEX_OPTIONS, SBOM_FORMATS } from '../options/options.ts';
import { PROJECT_OPTIONS, projectOptionsOf, requireRequest } from '../options/project.ts';
import { refuse } from '../terminal/refuse.ts';
import { reporter } from '../terminal/reporter.ts';
import { printSbom } from '../terminal/sbom.ts';
import type { Session } from '../terminal/session.ts';

type LockArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

const OPTIONS = {
  ...INDEX_OPTIONS,
  ...PROJECT_OPTIONS,
  ...ANSWER_OPTIONS,
  ...LOCKING_OPTIONS,
  ...grouped('Output', {
    json: excluding(INDEX_OPTIONS.json, ['format']),
    format: choice(SBOM_FORMATS, 'Print a software bill of materials of the lock, in CycloneDX 1.6 or SPDX 2.3'),
  }),
  ...grouped('Request', {
    check: excluding(
      flag('Check whether the lock matches the request; read no index'),
      ['index', ...INDEX_EXCLUDES],
      'leave out the index and the sites: only the lock and the request are read',
    ),
  }),
};

export const lockCommand = defineCommand({
  name: 'lock',
  summary: 'Write a lock: every file of a plan with its size and digest, to fetch the same files again',
  positionals: { packages: rest('Packages, or NAME=VERSION') },
  options: OPTIONS,
  examples: [
    ['lock gcc-core openssh --index setup.xz', `writes ${DEFAULTS.lock}`],
    ['lock --check', 'exit 1 when the lock does not match the project file'],
    ['lock --format spdx > sbom.spdx.json', 'also prints a software bill of materials'],
  ],
  run(session, args) {
    return args.check ? check(session, args) : make(session, args);
  },
});

async function check(session: Session, args: LockArguments): Promise<number> {
  const { output } = session;
  const project = await projectOptionsOf(args);
  const lock = await knownLockOf(args, project);
  const hasRequest = project.isOnCommandLine || project.file !== undefined;
  const { checkLock } = await import('../../api/lock-check.ts');
  const result = await checkLock(
    { ...(hasRequest ? project.request : {}), lock, arch: project.arch },
    { report: reporter(output, args) },
  );
  if (args.format !== undefined) return printSbom(session, args, { kind: 'lock', lock }, args.format);
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    const what = result.compared
      ? `answers the request${project.file === undefined ? '' : ` of \`${project.file}\``}`
      : 'is well formed; there is no request to compare it with';
    await output.data(`\`${lock}\` ${what}\n`);
  }
  return EXIT_DONE;
}

async function make(session: Session, args: LockArguments): Promise<number> {
  const project = await projectOptionsOf(args);
  await requireRequest(project);
  const report = reporter(session.output, args);
  const [{ makeLock }, { readOldLock }] = await Promise.all([
    import('../../api/lock.ts'),
    import('../../api/lock-file.ts'),
  ]);
  const file = await lockFileOf(args, project);
  const before = await readOldLock(file, report);
  const source = await openLockSource(session, args, project, before);
  const options = lockOptionsOf(session, args, project.arch);
  const result = await interruptible((signal) => makeLock(source, project.request, { ...options, signal }));
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, args);
  if (args.format === undefined) return saveAndPrint(session, args, { file, before, lock: result.lock });
  const { saveLock } = await import('../../api/lock-save.ts');
  await saveLock(file, result.lock, before);
  return printSbom(session, args, { kind: 'lock', lock: file, loaded: source }, args.format);
}
