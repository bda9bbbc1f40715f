import type { Argv } from 'yargs';
import { LOCK_NAME } from '../../core/lock/lock.ts';
import { countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE, UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { once } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, Loudness, Session } from '../session.ts';

interface BundleArguments extends Loudness {
  readonly repo: string;
  readonly lock: string;
  readonly since?: string | undefined;
  readonly out?: string | undefined;
  readonly apply?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap bundle`. */
export function addBundle(yargs: Argv, choose: Choose): Argv {
  const word = { type: 'string', requiresArg: true } as const;
  return yargs.command(
    'bundle',
    'Carry what is new in a lock to a repo without network, in one tar',
    (y) =>
      y
        .option('repo', {
          ...word,
          demandOption: true,
          coerce: (value: string | readonly string[]) => once('repo')(value) ?? '',
          describe: 'Directory of the repo',
        })
        .option('lock', {
          ...word,
          coerce: once('lock'),
          describe: `The new lock; --apply writes it [default: ${LOCK_NAME}]`,
        })
        .option('since', {
          ...word,
          coerce: once('since'),
          describe: 'The lock the other side has; without it the bundle holds everything',
        })
        .option('out', { ...word, coerce: once('out'), describe: 'The tar to write' })
        .option('apply', {
          ...word,
          coerce: once('apply'),
          describe: 'Take a bundle into the repo instead, verifying all of it',
        })
        .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
        .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
        .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell on stderr what is done' })
        .example(
          '$0 bundle --repo ./repo --since old.lock.json --out may.tar',
          'what the lock needs more than the old one',
        )
        .example('$0 bundle --apply may.tar --repo ./repo', 'on the other side'),
    (args) => choose((session) => bundle(session, { ...args, lock: args.lock ?? LOCK_NAME })),
  );
}

async function bundle(session: Session, args: BundleArguments): Promise<number> {
  const { apply, out, since } = args;
  if (apply === undefined && out === undefined) throw new UsageError('--out or --apply is missing');
  if (apply !== undefined && (out ?? since) !== undefined)
    throw new UsageError('--apply goes with neither --out nor --since');
  return apply === undefined ? make(session, args, out ?? '') : take(session, args, apply);
}

async function make({ output }: Session, args: BundleArguments, out: string): Promise<number> {
  const { makeBundle } = await import('../../api/bundle.ts');
  const report = reporter(output, args);
  const { file, sizeBytes, files, leftOut } = await interruptible((signal) =>
    makeBundle({ repo: args.repo, lock: args.lock, since: args.since, out }, { report, signal }),
  );
  if (args.json === true)
    await output.json({
      schema: (await import('../../report/json.ts')).SCHEMA,
      bundle: file,
      size: sizeBytes,
      files,
      leftOut,
    });
  else {
    const rest = args.since === undefined ? '' : `; left out, for \`${args.since}\` has them: ${leftOut}`;
    await output.data(printable(`\`${file}\`: ${countText(files, 'archive')}, ${sizeText(sizeBytes)}${rest}\n`));
  }
  return EXIT_DONE;
}

async function take({ output }: Session, args: BundleArguments, tar: string): Promise<number> {
  const { applyBundle } = await import('../../api/bundle-apply.ts');
  const report = reporter(output, args);
  const { files, sizeBytes, presentFiles, packages } = await interruptible((signal) =>
    applyBundle({ bundle: tar, repo: args.repo, lock: args.lock }, { report, signal }),
  );
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({
      schema: SCHEMA,
      repo: args.repo,
      lock: args.lock,
      packages,
      files,
      size: sizeBytes,
      present: presentFiles,
    });
  } else {
    const came = `${countText(files, 'archive')}, ${sizeText(sizeBytes)}`;
    await output.data(
      printable(
        `\`${args.repo}\` has all of \`${args.lock}\`: ${countText(packages, 'package')}; came: ${came}; there already: ${presentFiles}\n`,
      ),
    );
  }
  return EXIT_DONE;
}
