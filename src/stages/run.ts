import { randomBytes } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { GuestError } from '../guest/guest-error.ts';
import { inSequence } from '../guest/kind.ts';
import type { GuestKind } from '../guest/kind.ts';
import { RUN_FILES, parseRunEnd, runScript, savedEnvironment, withoutOwn } from '../guest/run-script.ts';
import { SSH_FAILED, runChecked } from '../guest/ssh-run.ts';
import { readUntrustedFile } from '../io/untrusted-file.ts';
import type { StageContext } from './context.ts';
import { copyTree } from './copy-tree.ts';
import { evaluationWarning } from './evaluation.ts';
import type { SnapshotManifest } from './manifest.ts';
import { resume } from './resume.ts';
import type { ResumedMachine } from './resume.ts';
import { recordTimes } from './times.ts';
import type { Stopwatch } from './times.ts';
import { verifySnapshot } from './verify-stage.ts';

/** What a user can set for a resumed guest. */
export interface GuestSettings {
  /** Directory for the read-only share `store`. */
  readonly store?: string | undefined;
  /** Whether the guest can write to `store`; its writes are visible to this guest only and discarded at the end. */
  readonly isStoreWritable?: boolean | undefined;
  /** Shares by drive letter, `D` to `Z`; by default none. */
  readonly drives?: ReadonlyMap<string, 'store' | 'xchg'> | undefined;
  /** `installed`: the date and time at which the memory was saved. Default: `now`. */
  readonly clock?: ClockChoice | undefined;
}

/** Dates that the clock of a resumed guest can be set to. */
export const CLOCK_CHOICES = ['now', 'installed'] as const;

export type ClockChoice = (typeof CLOCK_CHOICES)[number];

/** One command to run in a resumed machine: a plain value. */
export interface RunRequest extends GuestSettings {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Variables that are added to the environment of the login, except for `GuestKind.ownVariables`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directory that is copied to `in`, below the working directory of the command. */
  readonly input?: string | undefined;
  /** Directory for the content of `out` after the command; created if missing. */
  readonly output?: string | undefined;
  readonly timeoutMs: number;
  /** Keep the disk overlay and the exchanged files. */
  readonly isKept: boolean;
}

export interface RunResult {
  /** Exit code of the command; 128 + N if signal N ended it. */
  readonly code: number;
  /** True if the disk was booted, because the snapshot could not be resumed. */
  readonly isCold: boolean;
  /** Milliseconds from the call until the machine was resumed, and until the end of the command. */
  readonly revivedMs: number;
  readonly durationMs: number;
  /** The kept work directory, or null. */
  readonly kept: string | null;
}

type RunHook = (directory: string, signal: AbortSignal) => Promise<void>;

export interface RunHooks {
  /** Receives the output of the command while it runs. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
  /** Called with the exchanged directory before the machine starts. */
  readonly before?: RunHook | undefined;
  /** Called with the exchanged directory after the command, before it is removed. */
  readonly after?: RunHook | undefined;
}

/** Directories below the working directory of the command. */
const [INPUT, OUTPUT] = ['in', 'out'];

/** A code, or one line with a reason. */
const MOST_EXIT_BYTES = 64 * 1024;

/** Resumes a snapshot, runs a command in it, and discards the machine. Copies the content of `out` to `request.output`.
 *  Records the times. Throws GuestError `guest` for a command that exceeds its timeout or whose end is unknown,
 *  VmError, `io`, and the reason of the signal. */
export async function runStage(
  context: StageContext,
  manifest: SnapshotManifest,
  request: RunRequest,
  hooks: RunHooks,
): Promise<RunResult> {
  requireSupported(context.guest, request);
  warnOfEvaluation(context, manifest, request);
  return recordTimes(context, { activity: 'run', key: manifest.key }, async (stopwatch) =>
    runOnce(context, manifest, request, { ...hooks, stopwatch }),
  );
}

async function runOnce(
  context: StageContext,
  manifest: SnapshotManifest,
  request: RunRequest,
  { stopwatch, ...hooks }: RunHooks & { readonly stopwatch: Stopwatch },
): Promise<RunResult> {
  const startMs = performance.now();
  stopwatch.start('resume');
  // A unique name: the guest can have cached the content of a directory from before the snapshot.
  const name = `run-${randomBytes(8).toString('hex')}`;
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(
      new GuestError('guest', `the command did not end within ${request.timeoutMs / 1000} s`, {
        hint: 'allow more time with `--timeout`',
      }),
    );
  }, request.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout.signal]);
  const { shareNames, ownVariables } = context.guest;
  const variables = withoutOwn(request.environment, ownVariables);
  if (variables.kept.length > 0) {
    const message = `the guest keeps its own value of these variables: ${variables.kept.join(', ')}`;
    context.report({ kind: 'warning', message });
  }
  try {
    let own = '';
    const shares = async (work: string): Promise<{ store: string; xchg: string }> => {
      const [store, xchg] = [
        request.store === undefined ? join(work, 'store') : resolve(request.store),
        join(work, 'xchg'),
      ];
      own = join(xchg, name);
      if (request.store === undefined) await mkdir(store);
      await mkdir(join(own, OUTPUT), { recursive: true });
      if (request.store !== undefined) await requireDirectory(request.store);
      if (request.input === undefined) await mkdir(join(own, INPUT));
      else await copyTree(request.input, join(own, INPUT), { nameOf: shareNames.storedName, signal });
      const directory = `${context.guest.shares.xchg}/${name}`;
      await writeFile(join(own, RUN_FILES.environment), savedEnvironment(variables.set));
      await writeFile(join(own, RUN_FILES.script), runScript({ directory, argv: request.argv }));
      await hooks.before?.(own, signal);
      return { store, xchg };
    };
    await using resumed = await resume({ ...context, signal }, { activity: 'run', manifest, shares, mayBoot: true });
    const revivedMs = performance.now() - startMs;
    const { isCold } = resumed;
    stopwatch.result = { code: null, isCold };
    stopwatch.start('command');
    try {
      const code = await runIn(context, resumed, {
        name,
        own,
        preparation: [...preparationOf(context.guest, manifest, request), ...sharesOf(context.guest, request)],
        signal,
        onOutput: (stream, chunk) => {
          stopwatch.noteOutput();
          return hooks.onOutput(stream, chunk);
        },
      }).catch(async (error: unknown) => {
        signal.throwIfAborted();
        // The file of its RAM can be damaged although no program wrote to it.
        if (!isCold) await verifySnapshot(context.places, manifest, { everyByte: true });
        throw error;
      });
      stopwatch.result = { code, isCold };
      stopwatch.start('power-off');
      // Nothing writes to the files while they are copied.
      await resumed.endMachine();
      stopwatch.start('files');
      await hooks.after?.(own, signal);
      if (request.output !== undefined)
        await copyTree(join(own, OUTPUT), request.output, { nameOf: shareNames.guestName, signal: context.signal });
      return {
        code,
        isCold,
        revivedMs,
        durationMs: performance.now() - startMs,
        kept: request.isKept ? resumed.work.path : null,
      };
    } catch (error) {
      if (request.isKept)
        context.report({ kind: 'warning', message: `the run failed; kept: \`${resumed.work.path}\`` });
      throw error;
    } finally {
      if (request.isKept) resumed.work.keep();
    }
  } catch (error) {
    // The timeout is the reason of every failure after it.
    if (timeout.signal.aborted && !context.signal.aborted) throw timeout.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Run {
  readonly name: string;
  /** Directory of the run on the host. */
  readonly own: string;
  /** Command lines before the script of the run. */
  readonly preparation: readonly string[];
  readonly signal: AbortSignal;
  readonly onOutput: RunHooks['onOutput'];
}

async function runIn(
  { guest }: StageContext,
  { shell }: ResumedMachine,
  { name, own, preparation, signal, onOutput }: Run,
): Promise<number> {
  const command = inSequence([...preparation, guest.commands.runScript(`${name}/${RUN_FILES.script}`)]);
  let lastError = '';
  const code = await shell.run(command, {
    signal,
    onOutput: (stream, chunk) => {
      if (stream === 'stderr') lastError = Buffer.from(chunk).toString().slice(-500);
      return onOutput(stream, chunk);
    },
  });
  const text = await readUntrustedFile(join(own, RUN_FILES.exit), MOST_EXIT_BYTES);
  const end = parseRunEnd(text?.toString() ?? '');
  if (end?.kind === 'exit') return end.code;
  if (end?.kind === 'failed') throw new GuestError('guest', `the command was not started: ${end.text}`);
  const what =
    code === null || code === SSH_FAILED
      ? 'the connection to the guest ended before the command did'
      : `the guest cannot start the command (exit code ${code})`;
  throw new GuestError('guest', `${what}${lastError === '' ? '' : `: ${lastError.trim()}`}`);
}

/** Returns the command lines that prepare a resumed or booted machine. */
function preparationOf(guest: GuestKind, { made }: SnapshotManifest, { clock }: GuestSettings): string[] {
  const { setClock, renewEntropy } = guest.commands;
  const nowMs = clock === 'installed' ? Date.parse(made.saved) : Date.now();
  return [setClock(nowMs), ...(renewEntropy === undefined ? [] : [renewEntropy(randomBytes(32).toString('hex'))])];
}

/** Returns the command lines at the start of an ssh connection that uses the shares. */
function sharesOf(guest: GuestKind, { isStoreWritable, drives = new Map() }: GuestSettings): string[] {
  const { connectShares, connectDrives, overlayStore } = guest.commands;
  return [
    connectShares,
    ...(drives.size > 0 && connectDrives !== undefined ? [connectDrives(drives)] : []),
    ...(isStoreWritable === true && overlayStore !== undefined ? [overlayStore] : []),
  ];
}

/** Throws `usage` if the guest kind does not support a writable share `store`, or drive letters. */
function requireSupported({ name, shares, commands }: GuestKind, { isStoreWritable, drives }: GuestSettings): void {
  const { overlayStore, connectDrives } = commands;
  if (isStoreWritable === true && overlayStore === undefined)
    throw new CygstrapError('usage', `guests of kind \`${name}\` cannot write to their share \`store\``, {
      hint: 'pass the files with `--in`: the guest gets a copy that it can change',
    });
  if (drives !== undefined && drives.size > 0 && connectDrives === undefined)
    throw new CygstrapError('usage', `guests of kind \`${name}\` have no drive letters`, {
      hint: `leave out \`--drive\`: the shares are \`${shares.store}\` and \`${shares.xchg}\``,
    });
}

function warnOfEvaluation({ report }: StageContext, { made }: SnapshotManifest, { clock }: GuestSettings): void {
  const message = clock === 'installed' ? undefined : evaluationWarning(made.evaluationEnds, Date.now());
  if (message !== undefined) report({ kind: 'warning', message });
}

async function requireDirectory(path: string): Promise<void> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new CygstrapError('io', `not a directory: \`${path}\``);
}

/** Replaces the shell of a command line by a login shell. */
const LOGIN_SHELL = 'exec bash -l';

/** Resumes a snapshot, connects the user's terminal to a login shell in the guest, which has the shares, and discards
 *  the machine at the end. Returns the exit code of the shell, or null if it was killed or the topology has no
 *  terminal. Throws as {@link runStage}. */
export async function shellStage(
  context: StageContext,
  manifest: SnapshotManifest,
  settings: GuestSettings,
): Promise<number | null> {
  const { guest, signal } = context;
  const { store } = settings;
  requireSupported(guest, settings);
  warnOfEvaluation(context, manifest, settings);
  const shares = async (work: string): Promise<{ store: string; xchg: string }> => {
    if (store !== undefined) await requireDirectory(store);
    const made = { store: store === undefined ? join(work, 'store') : resolve(store), xchg: join(work, 'xchg') };
    await Promise.all([made.xchg, ...(store === undefined ? [made.store] : [])].map((path) => mkdir(path)));
    return made;
  };
  await using resumed = await resume(context, { activity: 'shell', manifest, shares, mayBoot: true });
  const { shell } = resumed;
  const connect = sharesOf(guest, settings);
  // A failure in the connection of the terminal would only be its exit code.
  await runChecked(shell.run, inSequence([...preparationOf(guest, manifest, settings), ...connect]), { signal });
  const code = await shell.interactive?.(inSequence([...connect, LOGIN_SHELL]), { signal });
  return code ?? null;
}
