import { CHOICES, DEFAULTS } from '../../api/defaults.ts';
import type { VmContext } from '../../api/vm-context.ts';
import type { VmRunRequest } from '../../api/vm-run.ts';
import type { SnapshotManifest } from '../../stages/manifest.ts';
import type { RunResult } from '../../stages/run.ts';
import {
  choice,
  defineCommand,
  documentDefault,
  flag,
  guestCommand,
  list,
  needing,
  parsed,
  value,
  withDefault,
} from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_NO, EXIT_USAGE, UsageError, reportFailure } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { write } from '../terminal/output.ts';
import type { Session } from '../terminal/session.ts';
import { drive, durationMs, wholeNumber } from '../options/units.ts';
import { TOPOLOGY_OPTIONS, VM_OPTIONS, openVm, printNotice } from '../options/vm.ts';
import type { VmArguments } from '../options/vm.ts';
import { ENVIRONMENT_OPTIONS, environmentOf } from './vm-environment.ts';

/** The highest exit code of a guest command that is passed on. */
export const HIGHEST_PASSED_CODE = 125;

/** Linux and Cygwin have no signals above this number: a higher code is one that the command chose. */
const HIGHEST_SIGNAL = 64;

export const SNAPSHOT_CHOICE = {
  snapshot: documentDefault(value('KEY', 'Resume the snapshot whose key begins with this'), 'the newest'),
};

/** What a user can set for a resumed guest. */
export const GUEST_OPTIONS = {
  store: value('DIR', 'Share this directory with the guest as `store`, read-only'),
  'writable-store': flag('Allow the guest to write to `store`; discard what it writes at the end'),
  drive: list(
    'LETTER:=SHARE',
    'Connect this drive letter to `store` or `xchg`, as in Z:=xchg; repeat for several',
    drive,
  ),
  clock: withDefault(
    choice(CHOICES.clock, 'Set the clock of the guest to today, or to the date at which its snapshot was made'),
    DEFAULTS.clock,
  ),
};

/** Options of commands that run a command in a guest. */
export const RUN_OPTIONS = {
  ...GUEST_OPTIONS,
  timeout: documentDefault(parsed('TIME', 'Abort when the command takes longer', durationMs), '60m'),
  ...ENVIRONMENT_OPTIONS,
  encoding: documentDefault(
    value('NAME', 'Print output of the command, which is in this encoding, as UTF-8; such as cp850 or windows-1252'),
    'bytes are passed on unchanged',
  ),
  in: value('DIR', 'Copy this directory to `in` of the guest before the command'),
  out: value('DIR', 'Copy what the command leaves in `out` to this directory'),
  keep: flag("Keep the machine's disk overlay and exchanged files, and print where they are"),
  before: value(
    'LINE',
    'Run this command line on this computer before the command; CYGSTRAP_RUN is the exchanged directory',
  ),
  after: value('LINE', 'Run this command line on this computer after the command'),
  each: value('FILE', 'Run each line of this file with the shell of a guest, each in its own machine'),
  jobs: withDefault(parsed('N', 'Run N machines at a time, with --each', wholeNumber(1, 999_999)), '1'),
  junit: needing(value('FILE', 'Write the results to this file as JUnit XML, with --each'), 'each'),
};

export type RunArguments = VmArguments &
  Arguments<typeof TOPOLOGY_OPTIONS> &
  Arguments<typeof RUN_OPTIONS> & { readonly command: readonly string[] };

export const vmRunCommand = defineCommand({
  name: 'vm run',
  summary: 'Run the command after -- in a machine resumed from a snapshot; return its output, files and exit code',
  positionals: { command: guestCommand('The command to run in the guest, after --') },
  options: { ...VM_OPTIONS, ...TOPOLOGY_OPTIONS, ...RUN_OPTIONS, ...SNAPSHOT_CHOICE },
  examples: [
    ['vm run --in src --out dist -- make -C in', 'files in, files out'],
    ['vm run --each commands.txt --jobs 2 --out results', 'a machine for each line'],
  ],
  run: (session, args) =>
    runIn(session, args, async (context) => {
      const { findSnapshot } = await import('../../api/vm-find.ts');
      const snapshot = await findSnapshot(args.snapshot, context);
      await printNotice(session, args, snapshot);
      return snapshot;
    }),
});

/** Runs the command of a command line, or each line of `--each`, in the snapshot that `find` returns. */
export async function runIn(
  session: Session,
  args: RunArguments,
  find: (context: VmContext) => Promise<SnapshotManifest>,
): Promise<number> {
  const argv = args.command;
  if ((argv.length === 0) === (args.each === undefined)) {
    throw new UsageError(
      argv.length === 0 ? 'no command is given' : '--each cannot be combined with a command',
      'write the command after `--`, as in `-- uname -a`',
    );
  }
  const environment = environmentOf(session, args);
  if (args.encoding !== undefined) (await import('../../api/output-encoding.ts')).requireEncoding(args.encoding);
  return withMachineCodes(session, args, () =>
    interruptible(async (signal) => {
      const context = await openVm(session, args, signal);
      const snapshot = await find(context);
      const request = requestOf(args, environment);
      if (args.each === undefined) return one(session, args, { context, snapshot, request: { ...request, argv } });
      const { runEach } = await import('./vm-run-each.ts');
      return runEach(session, args, { context, snapshot, request, each: args.each, junit: args.junit });
    }),
  );
}

/** Reports failures of the machine and of cygstrap with an exit code that no guest command has. */
export async function withMachineCodes(
  session: Session,
  args: VmArguments,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const code = await reportFailure(error, session.output, args.json ? 'json' : 'text');
    return code === EXIT_INTERRUPTED || code === EXIT_USAGE ? code : EXIT_MACHINE;
  }
}

function requestOf(args: RunArguments, environment: Readonly<Record<string, string>>): Omit<VmRunRequest, 'argv'> {
  return {
    environment,
    input: args.in,
    output: args.out,
    ...settingsOf(args),
    encoding: args.encoding,
    timeoutMs: args.timeout,
    isKept: args.keep,
    before: args.before,
    after: args.after,
  };
}

/** Returns the part of a request that the options of a guest set. Throws UsageError for a drive letter that is given
 *  twice. */
export function settingsOf({
  store,
  writableStore,
  drive: drives,
  clock,
}: Arguments<typeof GUEST_OPTIONS>): Pick<VmRunRequest, 'store' | 'isStoreWritable' | 'drives' | 'clock'> {
  const byLetter = new Map(drives.map(({ letter, share }) => [letter, share]));
  if (byLetter.size < drives.length) throw new UsageError('--drive names a letter twice');
  return { store, isStoreWritable: writableStore, drives: byLetter, clock };
}

export interface Work {
  readonly context: VmContext;
  readonly snapshot: SnapshotManifest;
}

async function one(
  session: Session,
  args: RunArguments,
  { context, snapshot, request }: Work & { readonly request: VmRunRequest },
): Promise<number> {
  const { exitHint, runVm } = await import('../../api/vm-run.ts');
  const { output, host } = session;
  const result = await runVm(request, {
    ...context,
    snapshot,
    // With --json stdout is for JSON: all output of the command goes to stderr.
    onOutput: (stream, chunk) => write(stream === 'stdout' && !args.json ? host.stdout : host.stderr, chunk),
  });
  if (args.json)
    await output.json(
      { schema: (await import('../../report/json.ts')).SCHEMA, snapshot: snapshot.key, ...result },
      'line',
    );
  else if (result.kept !== null) output.note('note', `kept: \`${result.kept}\``);
  return exitOf(session, result, exitHint(result, snapshot));
}

function exitOf({ output }: Session, { code }: RunResult, hint: string | undefined): number {
  if (code <= HIGHEST_PASSED_CODE) return code;
  output.note(
    'warning',
    code > 128 && code <= 128 + HIGHEST_SIGNAL
      ? `signal ${code - 128} ended the command`
      : `the command ended with exit code ${code}`,
  );
  if (hint !== undefined) output.note('hint', hint);
  return EXIT_NO;
}
