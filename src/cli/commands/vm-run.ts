import type { Argv } from 'yargs';
import { CygstrapError } from '../../errors.ts';
import type { VmContext } from '../../api/vm-context.ts';
import type { SnapshotManifest } from '../../stages/manifest.ts';
import type { RunResult } from '../../stages/run.ts';
import type { RunOutcome, VmRunRequest } from '../../api/vm-run.ts';
import { printable } from '../../report/text.ts';
import { EXIT_DONE, EXIT_INTERRUPTED, EXIT_NO, EXIT_USAGE, UsageError, reportFailure } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { once } from '../options.ts';
import type { Choose, Session } from '../session.ts';
import { durationMs, positive } from '../units.ts';
import { environmentOf } from './vm-environment.ts';
import type { EnvironmentArguments } from './vm-environment.ts';
import { frozen, installed, withSnapshotOptions } from './vm-make.ts';
import { openVm, withInstallOptions, withTopology, withVmOptions } from './vm-options.ts';
import type { VmArguments } from './vm-options.ts';

/** A machine failed, or we did: no code of a command in a guest is passed on that is as high. */
export const EXIT_MACHINE = 126;

/** The highest code of a command in a guest that becomes ours. */
const HIGHEST_PASSED_CODE = 125;

interface StoreArguments {
  readonly store?: string | undefined;
  readonly writableStore?: boolean | undefined;
}

interface RunArguments extends VmArguments, StoreArguments, EnvironmentArguments {
  readonly snapshot?: string | undefined;
  readonly timeout?: number | undefined;
  readonly in?: string | undefined;
  readonly out?: string | undefined;
  readonly keep?: boolean | undefined;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly each?: string | undefined;
  readonly jobs?: number | undefined;
}

/** Adds `vm run` and `vm shell`. */
export function addVmRun(yargs: Argv, choose: Choose): Argv {
  return yargs
    .command(
      'run',
      'Run the command after -- in a machine revived from a snapshot; its output, files and exit code come back',
      (y) =>
        withSnapshotChoice(withRunOptions(withTopology(withVmOptions(y))))
          .example('$0 vm run --in src --out dist -- make -C in', 'files in, files out')
          .example('$0 vm run --each commands.txt --jobs 2 --out results', 'a machine for each line'),
      (args) =>
        choose((session) =>
          run(session, args, async (context) =>
            (await import('../../api/vm-run.ts')).findSnapshot(args.snapshot, context),
          ),
        ),
    )
    .command(
      'shell',
      'Open a shell in a revived machine; all is discarded when it ends',
      (y) => withSnapshotChoice(withStore(withTopology(withVmOptions(y)))),
      (args) => choose((session) => shell(session, args)),
    );
}

/** Adds `build`. */
export function addBuild(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'build',
    'Install, snapshot and run the command after --, doing again only what changed',
    (y) =>
      withSnapshotOptions(withRunOptions(withInstallOptions(withTopology(withVmOptions(y))))).example(
        '$0 build --repo ./repo -- gcc --version',
        'a second time this takes about a second',
      ),
    (args) =>
      choose((session) => run(session, args, async (context) => frozen(context, args, await installed(context, args)))),
  );
}

function withSnapshotChoice<T>(yargs: Argv<T>) {
  return yargs.option('snapshot', {
    type: 'string',
    requiresArg: true,
    coerce: once('snapshot'),
    describe: 'Beginning of the key of the snapshot [default: the last made]',
  });
}

function withStore<T>(yargs: Argv<T>) {
  return yargs
    .option('store', {
      type: 'string',
      requiresArg: true,
      coerce: once('store'),
      describe: 'Directory that the guest sees read-only as its share `store`',
    })
    .option('writable-store', {
      type: 'boolean',
      describe: 'Let the guest write to `store` all the same; what it writes ends with it',
    });
}

function withRunOptions<T>(yargs: Argv<T>) {
  const word = { type: 'string', requiresArg: true } as const;
  return withStore(yargs)
    .option('timeout', {
      ...word,
      coerce: durationMs('timeout'),
      describe: 'The longest for the command [default: 60m]',
    })
    .option('env', {
      ...word,
      array: true,
      describe: 'A variable for the command: NAME=VALUE, or NAME with the value it has here; repeat for several',
    })
    .option('all-env', {
      type: 'boolean',
      describe: 'Every variable there is here, except those that name places of this computer',
    })
    .option('in', { ...word, coerce: once('in'), describe: 'Directory whose content the command finds in `in`' })
    .option('out', { ...word, coerce: once('out'), describe: 'Directory for what the command leaves in `out`' })
    .option('keep', { type: 'boolean', describe: "Keep the machine's disk layer and exchanged files, and say where" })
    .option('before', {
      ...word,
      coerce: once('before'),
      describe: 'Command line of this computer to run before; CYGSTRAP_RUN is the directory exchanged',
    })
    .option('after', { ...word, coerce: once('after'), describe: 'The same after the command' })
    .option('each', {
      ...word,
      coerce: once('each'),
      describe: 'File of command lines for the shell of the guest, each in a machine of its own',
    })
    .option('jobs', { ...word, coerce: positive('jobs'), describe: 'Machines at a time, with --each [default: 1]' });
}

async function run(
  session: Session,
  args: RunArguments,
  find: (context: VmContext) => Promise<SnapshotManifest>,
): Promise<number> {
  const argv = session.command;
  if ((argv.length === 0) === (args.each === undefined)) {
    throw new UsageError(
      argv.length === 0 ? 'no command is given' : 'a command is given, and --each',
      'write the command after `--`, as in `-- uname -a`',
    );
  }
  const environment = environmentOf(session, args);
  return ownFailures(session, args, () =>
    interruptible(async (signal) => {
      const context = await openVm(session, args, signal);
      const snapshot = await find(context);
      const request = requestOf(args, environment);
      return args.each === undefined
        ? one(session, args, { context, snapshot, request: { ...request, argv } })
        : many(session, args, { context, snapshot, request, each: args.each });
    }),
  );
}

/** Gives failures that are not the command's a code that no command's is. */
async function ownFailures(session: Session, args: VmArguments, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const code = await reportFailure(error, session.output, args.json === true ? 'json' : 'text');
    return code === EXIT_INTERRUPTED || code === EXIT_USAGE ? code : EXIT_MACHINE;
  }
}

function requestOf(args: RunArguments, environment: Readonly<Record<string, string>>): Omit<VmRunRequest, 'argv'> {
  return {
    environment,
    input: args.in,
    output: args.out,
    ...storeOf(args),
    timeoutMs: args.timeout,
    isKept: args.keep,
    before: args.before,
    after: args.after,
  };
}

function storeOf({ store, writableStore }: StoreArguments): Pick<VmRunRequest, 'store' | 'isStoreWritable'> {
  return { store, isStoreWritable: writableStore };
}

interface Work {
  readonly context: VmContext;
  readonly snapshot: SnapshotManifest;
}

async function one(
  session: Session,
  args: RunArguments,
  { context, snapshot, request }: Work & { readonly request: VmRunRequest },
): Promise<number> {
  const { runVm } = await import('../../api/vm-run.ts');
  const { output, host } = session;
  const result = await runVm(request, {
    ...context,
    snapshot,
    // Where stdout is JSON, all that the command says goes to stderr.
    onOutput: (stream, chunk) => written(stream === 'stdout' && args.json !== true ? host.stdout : host.stderr, chunk),
  });
  if (args.json === true)
    await output.json(
      { schema: (await import('../../report/json.ts')).SCHEMA, snapshot: snapshot.key, ...result },
      'line',
    );
  else if (result.kept !== null) output.note('note', `kept: \`${result.kept}\``);
  return exitOf(session, result);
}

async function many(
  session: Session,
  args: RunArguments,
  { context, snapshot, request, each }: Work & { readonly request: Omit<VmRunRequest, 'argv'>; readonly each: string },
): Promise<number> {
  const { runMany, runVm } = await import('../../api/vm-run.ts');
  const { commandLines } = await import('../../api/vm-install.ts');
  const { output, host } = session;
  const lines = await commandLines(each);
  const requests = lines.map((line, i): VmRunRequest => ({
    ...request,
    argv: ['/bin/sh', '-c', line],
    ...(request.output !== undefined && { output: `${request.output}/${i + 1}` }),
  }));
  const { SCHEMA, failureJson } = await import('../../report/json.ts');
  let exit: number = EXIT_DONE;
  const run = async (each: VmRunRequest, number: number): Promise<RunResult> => {
    const prefixed = { stdout: new Prefixed(`[${number}] `), stderr: new Prefixed(`[${number}] `) };
    const streams = { stdout: args.json === true ? host.stderr : host.stdout, stderr: host.stderr };
    try {
      return await runVm(each, {
        ...context,
        snapshot,
        onOutput: (stream, chunk) => written(streams[stream], prefixed[stream].push(chunk)),
      });
    } finally {
      for (const stream of ['stdout', 'stderr'] as const) await written(streams[stream], prefixed[stream].end());
    }
  };
  const onOutcome = async (outcome: RunOutcome): Promise<void> => {
    // Who is interrupted says so once.
    if (context.signal.aborted) return;
    const { number } = outcome;
    const line = lines[number - 1] ?? '';
    if ('error' in outcome) {
      const { error } = outcome;
      if (!(error instanceof CygstrapError)) throw error;
      exit = EXIT_MACHINE;
      if (args.json === true) await output.json({ ...failureJson(error), number, line }, 'line');
      else output.note('error', printable(`[${number}] ${error.message}`));
    } else {
      const { code } = outcome.result;
      if (code !== 0 && exit === EXIT_DONE) exit = EXIT_NO;
      if (args.json === true)
        await output.json({ schema: SCHEMA, number, line, snapshot: snapshot.key, ...outcome.result }, 'line');
      else output.note('note', printable(`[${number}] exit code ${code}: ${line}`));
    }
  };
  await runMany(requests, { jobs: args.jobs ?? 1, run, onOutcome });
  context.signal.throwIfAborted();
  return exit;
}

/** Puts a word before each line of a stream. */
class Prefixed {
  readonly #prefix: string;
  #open = '';
  readonly #decoder = new TextDecoder();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  push(chunk: Uint8Array): string {
    const lines = (this.#open + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#open = lines.pop() ?? '';
    return lines.map((line) => `${this.#prefix}${line}\n`).join('');
  }

  end(): string {
    return this.#open === '' ? '' : `${this.#prefix}${this.#open}\n`;
  }
}

async function written(to: NodeJS.WritableStream, chunk: Uint8Array | string): Promise<void> {
  if (chunk.length === 0) return;
  await new Promise<void>((resolve) => {
    to.write(chunk, () => resolve());
  });
}

function exitOf({ output }: Session, { code }: RunResult): number {
  if (code <= HIGHEST_PASSED_CODE) return code;
  output.note(
    'warning',
    code > 128 ? `the command was ended by signal ${code - 128}` : `the command ended with exit code ${code}`,
  );
  return EXIT_NO;
}

async function shell(
  session: Session,
  args: VmArguments & StoreArguments & { readonly snapshot?: string | undefined },
): Promise<number> {
  if (args.topology !== undefined && args.topology !== 'direct') {
    throw new UsageError(
      `a terminal reaches no guest of topology \`${args.topology}\``,
      'use `--topology direct`; every snapshot goes on in it',
    );
  }
  return ownFailures(session, args, () =>
    interruptible(async (signal) => {
      const context = await openVm(session, args, signal);
      const { findSnapshot } = await import('../../api/vm-run.ts');
      const { withRevived } = await import('../../stages/run.ts');
      const snapshot = await findSnapshot(args.snapshot, context);
      const code = await withRevived(
        context,
        snapshot,
        storeOf(args),
        async ({ line }) => (await line.shell?.({ signal })) ?? null,
      );
      signal.throwIfAborted();
      return code === null || code > HIGHEST_PASSED_CODE ? EXIT_NO : code;
    }),
  );
}
