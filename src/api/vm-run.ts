import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { CygstrapError } from '../errors.ts';
import { stagePath } from '../stages/layout.ts';
import type { InstalledManifest, Manifest, SnapshotManifest } from '../stages/manifest.ts';
import { runStage } from '../stages/run.ts';
import type { RunHooks, RunRequest, RunResult } from '../stages/run.ts';
import { exitText, startProgram } from '../io/program.ts';
import { VmError } from '../vm/vm-error.ts';
import { publishedStages, stageByPrefix } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';

/** A command to be run in a revived machine: a plain value. */
export interface VmRunRequest extends Pick<RunRequest, 'argv' | 'input' | 'output' | 'store' | 'isStoreWritable'> {
  /** Variables for it, over those of its login; by default none. */
  readonly environment?: RunRequest['environment'] | undefined;
  /** By default an hour. */
  readonly timeoutMs?: number | undefined;
  /** Leaves disk layer and exchanged files where they are; by default they go. */
  readonly isKept?: boolean | undefined;
  /** Lines for /bin/sh of this computer, run before the machine starts and after the command; CYGSTRAP_RUN names the exchanged directory,
   *  which has `in` and `out`. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const TIMEOUT_MS = 60 * 60_000;

/** The stage of this kind of guest that was made last; undefined when there is none. */
async function newestStage({ places, guest }: VmContext, stages: readonly Manifest[]): Promise<Manifest | undefined> {
  const times = await Promise.all(
    stages.map(async (manifest) => ({
      manifest,
      madeMs: (await stat(stagePath(places, manifest.stage, manifest.key))).mtimeMs,
    })),
  );
  return times.filter(({ manifest }) => manifest.guest === guest.name).sort((a, b) => b.madeMs - a.madeMs)[0]?.manifest;
}

/** The installed disk whose key begins so, or the one that was made last. Throws `usage` when there is none. */
export async function findInstalled(prefix: string | undefined, context: VmContext): Promise<InstalledManifest> {
  const stages = await publishedStages(context.places, ['install']);
  const found = prefix === undefined ? await newestStage(context, stages) : stageByPrefix(stages, prefix);
  if (found?.stage === 'install') return found;
  throw new CygstrapError('usage', 'nothing is installed yet', {
    hint: 'make it with `cygstrap vm install`, or all at once with `cygstrap build`',
  });
}

/** The snapshot whose key begins so, or the one that was made last. Throws `usage` when there is none. */
export async function findSnapshot(prefix: string | undefined, context: VmContext): Promise<SnapshotManifest> {
  const stages = await publishedStages(context.places, ['snapshot']);
  const found = prefix === undefined ? await newestStage(context, stages) : stageByPrefix(stages, prefix);
  if (found?.stage === 'snapshot') return found;
  throw new CygstrapError('usage', 'there is no snapshot yet', {
    hint: 'make one with `cygstrap build`, or with `cygstrap vm install` and `cygstrap vm snapshot`',
  });
}

/** What a run is told beside its request. */
export interface VmRunContext extends VmContext, Pick<RunHooks, 'onOutput'> {
  /** What `snapshotVm` or `findSnapshot` gave. */
  readonly snapshot: SnapshotManifest;
}

/** Runs one command in a machine revived from a snapshot, discarded after it; many may run at once. Its exit code is in the result,
 *  whatever it is: only what is no end of the command is thrown. Throws `guest` for a command that did not end in time or whose end is not known,
 *  `vm` for a machine that died, a snapshot that is damaged and a hook that fails, `usage` for directories that are not there, `io`, and the
 *  reason of the signal. */
export async function runVm(request: VmRunRequest, context: VmRunContext): Promise<RunResult> {
  const {
    argv,
    environment = {},
    input,
    output,
    store,
    isStoreWritable,
    timeoutMs = TIMEOUT_MS,
    isKept = false,
  } = request;
  for (const [option, path] of [
    ['--in', input],
    ['--store', store],
  ] as const) {
    if (path !== undefined) await requireDirectory(option, path);
  }
  const { snapshot, onOutput } = context;
  const hook = (when: 'before' | 'after') => {
    const line = request[when];
    return line === undefined
      ? undefined
      : (directory: string, signal: AbortSignal) =>
          runHook(line, { when, setpriv: context.host.tools.setpriv, directory, signal, onOutput });
  };
  return runStage(
    context,
    snapshot,
    { argv, environment, input, output, store, isStoreWritable, timeoutMs, isKept },
    { onOutput, before: hook('before'), after: hook('after') },
  );
}

interface Hook extends Pick<RunHooks, 'onOutput'> {
  readonly when: 'before' | 'after';
  readonly setpriv: string | undefined;
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Runs a line of shell on this computer; all that it says goes where stderr of the command in the guest goes. */
async function runHook(line: string, { when, setpriv, directory, signal, onOutput }: Hook): Promise<void> {
  await using child = await startProgram(['/bin/sh', '-c', `exec 2>&1\n${line}`], {
    setpriv,
    signal,
    environment: { CYGSTRAP_RUN: directory },
  });
  child.stdin.end();
  for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) await onOutput('stderr', chunk);
  const exit = await child.exited;
  signal.throwIfAborted();
  if (exit.code !== 0)
    throw new VmError(`the command ${when} the run failed (${exitText(exit)}): \`${line}\``, {
      details: child.details(exit),
    });
}

async function requireDirectory(option: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CygstrapError('usage', `${option} is ${found === undefined ? 'not there' : 'no directory'}: \`${path}\``);
}

/** How one of many runs ended. */
export type RunOutcome =
  { readonly number: number; readonly result: RunResult } | { readonly number: number; readonly error: unknown };

export interface ManyOptions {
  /** Machines at a time. */
  readonly jobs: number;
  /** Runs one; numbers begin with 1. */
  readonly run: (request: VmRunRequest, number: number) => Promise<RunResult>;
  /** Takes each outcome when it is there. */
  readonly onOutcome: (outcome: RunOutcome) => Promise<void>;
}

/** Runs many commands, each in a machine of its own. One that fails does not stop the others. Throws what `onOutcome` throws, when all
 *  have ended. */
export async function runMany(requests: readonly VmRunRequest[], { jobs, run, onOutcome }: ManyOptions): Promise<void> {
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
