import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { readLines } from '../io/lines.ts';
import { exitText, startProgram } from '../io/program.ts';
import type { SnapshotManifest } from '../stages/manifest.ts';
import { runStage } from '../stages/run.ts';
import type { GuestSettings, RunHooks, RunResult } from '../stages/run.ts';
import { VmError } from '../vm/base/vm-error.ts';
import { guestKind } from './guest-kinds.ts';
import { requireJobs } from './jobs.ts';
import { toUtf8 } from './output-encoding.ts';
import { contextOf, prepareVm } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';
import { findSnapshot } from './vm-find.ts';

/** A command to run in a resumed machine: a plain value. */
export interface VmRunRequest extends GuestSettings {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Directory that is copied to `in`, below the working directory of the command. By default `in` is empty. */
  readonly input?: string | undefined;
  /** Directory for the content of `out` after the command; created if missing. By default `out` is dropped. */
  readonly output?: string | undefined;
  /** Variables that are added to the environment of the login; by default none. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Encoding of the output of the command, such as `cp850`: it is passed on in UTF-8. By default bytes are passed on
   *  unchanged. */
  readonly encoding?: string | undefined;
  /** By default an hour. */
  readonly timeoutMs?: number | undefined;
  /** Keep the disk layer and the exchanged files; by default they are removed. */
  readonly isKept?: boolean | undefined;
  /** Command lines for /bin/sh of this computer, run before the machine starts and after the command. CYGSTRAP_RUN
   *  is the exchanged directory, which has `in` and `out`. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const TIMEOUT_MS = 60 * 60_000;

/** Receives output of a command while it runs. */
export type OnOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;

/** What a run needs besides its request. */
export interface VmRunContext extends VmContext {
  /** Result of `snapshotVm` or `findSnapshot`; by default the newest snapshot. */
  readonly snapshot?: SnapshotManifest | undefined;
  /** Receives the output of the command while it runs. Default: it is dropped. */
  readonly onOutput?: OnOutput | undefined;
}

/** Runs one command in a machine resumed from a snapshot, and discards the machine. Many runs can be active at once.
 *  The exit code of the command is part of the result. Throws `guest` for a command that exceeds its timeout or
 *  whose end is unknown, `vm` for a machine that ended, a damaged snapshot and a failed hook, `usage` for missing
 *  directories, `io`, and the reason of the signal. */
export async function runVm(request: VmRunRequest, given?: VmRunContext): Promise<RunResult> {
  const {
    argv,
    environment = {},
    encoding,
    input,
    output,
    store,
    isStoreWritable,
    drives,
    clock,
    timeoutMs = TIMEOUT_MS,
    isKept = false,
  } = request;
  for (const [option, path] of [
    ['--in', input],
    ['--store', store],
  ] as const) {
    if (path !== undefined) await requireDirectory(option, path);
  }
  const context: VmRunContext = given ?? (await prepareVm());
  const { snapshot = await findSnapshot(undefined, context), onOutput = () => {} } = context;
  const hook = (when: 'before' | 'after') => {
    const commandLine = request[when];
    return commandLine === undefined
      ? undefined
      : (directory: string, signal: AbortSignal) => runHook(commandLine, { when, directory, signal, onOutput });
  };
  // Programs of this computer write UTF-8.
  const decoded = encoding === undefined ? undefined : toUtf8(encoding, onOutput);
  try {
    return await runStage(
      contextOf(context, snapshot),
      snapshot,
      { argv, environment, input, output, store, isStoreWritable, drives, clock, timeoutMs, isKept },
      { onOutput: decoded?.onOutput ?? onOutput, before: hook('before'), after: hook('after') },
    );
  } finally {
    await decoded?.end();
  }
}

/** Returns a hint for the exit code of a command, if the guest kind has one. */
export function exitHint(
  { code }: Pick<RunResult, 'code'>,
  { guest }: Pick<SnapshotManifest, 'guest'>,
): string | undefined {
  return guestKind(guest).exitHint?.(code);
}

interface Hook extends Pick<RunHooks, 'onOutput'> {
  readonly when: 'before' | 'after';
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Runs a command line with the shell of this computer. All its output is passed on as stderr. Throws VmError if it
 *  fails. */
async function runHook(commandLine: string, { when, directory, signal, onOutput }: Hook): Promise<void> {
  await using child = await startProgram(['/bin/sh', '-c', `exec 2>&1\n${commandLine}`], {
    signal,
    environment: { CYGSTRAP_RUN: directory },
  });
  child.stdin.end();
  for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) await onOutput('stderr', chunk);
  const exit = await child.exited;
  signal.throwIfAborted();
  if (exit.code !== 0)
    throw new VmError(`the command ${when} the run failed (${exitText(exit)}): \`${commandLine}\``, {
      details: child.details(exit),
    });
}

async function requireDirectory(option: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CygstrapError(
      'usage',
      `${option} ${found === undefined ? 'does not exist' : 'is not a directory'}: \`${path}\``,
    );
}

/** A command line of a file. */
export interface CommandLine {
  readonly text: string;
  /** Its line in the file, from 1. */
  readonly number: number;
}

/** Reads the command lines of a file, one a line; skips empty lines and lines that start with `#`. Reports a warning
 *  for a file without a command line, and for a last one without a line end. Throws `usage` for a file that cannot be
 *  read and for a line that is too long, has a NUL byte or is not UTF-8. */
export async function commandLines(path: string, report: Report = () => {}): Promise<CommandLine[]> {
  const lines: CommandLine[] = [];
  const warn = (message: string): void => report({ kind: 'warning', message });
  try {
    for await (const { number, text, fault, hasEnd } of readLines(createReadStream(path))) {
      if (text === undefined || fault !== undefined) throw new CygstrapError('usage', `${path}:${number}: ${fault}`);
      if (text.trim() === '' || text.startsWith('#')) continue;
      lines.push({ text, number });
      if (!hasEnd) warn(`${path}:${number}: the last command has no line end: the file may be cut there`);
    }
    if (lines.length === 0) warn(`\`${path}\` has no command line`);
  } catch (cause) {
    if (cause instanceof CygstrapError) throw cause;
    throw new CygstrapError('usage', `cannot read the command lines in \`${path}\``, { cause });
  }
  return lines;
}

/** Result or error of one of many runs; `number` starts with 1. */
export type RunOutcome =
  { readonly number: number; readonly result: RunResult } | { readonly number: number; readonly error: unknown };

export interface ManyOptions {
  /** Number of machines that run at the same time. Default: 1. */
  readonly jobs?: number | undefined;
  /** Runs one request. Default: `runVm`. */
  readonly run?: ((request: VmRunRequest, number: number) => Promise<RunResult>) | undefined;
  /** Called for each run when it has ended. */
  readonly onOutcome: (outcome: RunOutcome) => Promise<void>;
}

/** Runs many commands, each in its own machine. A failed run does not stop the others. Throws what `onOutcome`
 *  throws, after all runs have ended. */
export async function runMany(
  requests: readonly VmRunRequest[],
  { jobs = 1, run = (request) => runVm(request), onOutcome }: ManyOptions,
): Promise<void> {
  requireJobs(jobs);
  const limit = pLimit(jobs);
  const outcomeOf = async (request: VmRunRequest, number: number): Promise<RunOutcome> => {
    try {
      return { number, result: await run(request, number) };
    } catch (error) {
      return { number, error };
    }
  };
  const settled = await Promise.allSettled(
    requests.map((request, i) => limit(async () => onOutcome(await outcomeOf(request, i + 1)))),
  );
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
}
