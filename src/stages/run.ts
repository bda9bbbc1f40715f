import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { GuestError } from '../guest/guest-error.ts';
import { inSequence } from '../guest/kind.ts';
import type { GuestKind } from '../guest/kind.ts';
import { RUN_FILES, parseRunEnd, runScript, savedEnvironment } from '../guest/run-script.ts';
import { SSH_FAILED, runChecked } from '../guest/ssh-run.ts';
import type { StageContext } from './context.ts';
import type { SnapshotManifest } from './manifest.ts';
import { resume } from './resume.ts';
import type { ResumedMachine } from './resume.ts';
import { verifySnapshot } from './verify-stage.ts';

/** One command to be run in a resumed machine: a plain value. */
export interface RunRequest {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Variables for it, over those of its login. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directory whose content the command finds in `in`, below where it starts. */
  readonly input?: string | undefined;
  /** Directory that gets what the command left in `out`; made when it is not there. */
  readonly output?: string | undefined;
  /** Directory that the guest sees read-only as its share `store`. */
  readonly store?: string | undefined;
  /** Whether the guest may write there: it sees what it wrote, and nobody else does. */
  readonly isStoreWritable?: boolean | undefined;
  readonly timeoutMs: number;
  /** Leaves disk layer and exchanged files where they are. */
  readonly isKept: boolean;
}

export interface RunResult {
  /** Of the command; 128 + N when signal N ended it. */
  readonly code: number;
  /** Whether the machine was booted, because its snapshot could not go on. */
  readonly isCold: boolean;
  /** From the call to the machine that answers, and to the end of the command. */
  readonly revivedMs: number;
  readonly durationMs: number;
  /** Where everything is, if it is kept. */
  readonly kept: string | null;
}

type RunHook = (directory: string, signal: AbortSignal) => Promise<void>;

export interface RunHooks {
  /** Takes the command's output as it comes. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
  /** Called when the exchanged directory is ready, before the machine starts; and after the command, before anything is discarded. */
  readonly before?: RunHook | undefined;
  readonly after?: RunHook | undefined;
}

/** What the command finds below where it starts: what came in, and what goes out. */
const [INPUT, OUTPUT] = ['in', 'out'];

/** Revives a snapshot, runs a command in it, brings back what it left and how it ended, and discards the rest. Throws GuestError `guest`
 *  for a command that did not end in time or whose end is not known, VmError, and the reason of the signal. */
export async function runStage(
  context: StageContext,
  manifest: SnapshotManifest,
  request: RunRequest,
  hooks: RunHooks,
): Promise<RunResult> {
  const startMs = performance.now();
  requireWritable(context.guest, request);
  // Of a directory that it saw before, a guest may have another content in mind.
  const name = `run-${randomBytes(8).toString('hex')}`;
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(
      new GuestError('guest', `the command did not end within ${request.timeoutMs / 1000} s`, {
        hint: 'give it more with `--timeout`',
      }),
    );
  }, request.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout.signal]);
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
      else await copyDirectory(request.input, join(own, INPUT));
      const directory = `${context.guest.shares.xchg}/${name}`;
      await writeFile(join(own, RUN_FILES.environment), savedEnvironment(request.environment));
      await writeFile(join(own, RUN_FILES.script), runScript({ directory, argv: request.argv }));
      await hooks.before?.(own, signal);
      return { store, xchg };
    };
    await using resumed = await resume({ ...context, signal }, { manifest, shares, mayBoot: true });
    const revivedMs = performance.now() - startMs;
    try {
      const code = await runIn(context, resumed, {
        name,
        own,
        isStoreWritable: request.isStoreWritable,
        signal,
        onOutput: hooks.onOutput,
      }).catch(async (error: unknown) => {
        signal.throwIfAborted();
        // Perhaps its RAM was not what it had been, though nobody touched the file.
        if (!resumed.isCold) await verifySnapshot(context.places, manifest, { everyByte: true });
        throw error;
      });
      await hooks.after?.(own, signal);
      if (request.output !== undefined) await copyDirectory(join(own, OUTPUT), request.output);
      return {
        code,
        isCold: resumed.isCold,
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
    // Whatever fails because time is up: that is why.
    if (timeout.signal.aborted && !context.signal.aborted) throw timeout.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Run {
  readonly name: string;
  /** The run's directory on the host. */
  readonly own: string;
  readonly isStoreWritable: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onOutput: RunHooks['onOutput'];
}

async function runIn(
  { guest }: StageContext,
  { shell, isCold }: ResumedMachine,
  { name, own, isStoreWritable, signal, onOutput }: Run,
): Promise<number> {
  const command = inSequence([
    ...readied(guest, { isCold, isStoreWritable }),
    guest.commands.runScript(`${name}/${RUN_FILES.script}`),
  ]);
  let lastWords = '';
  const code = await shell.run(command, {
    signal,
    onOutput: (stream, chunk) => {
      if (stream === 'stderr') lastWords = Buffer.from(chunk).toString().slice(-500);
      return onOutput(stream, chunk);
    },
  });
  const text = await readFile(join(own, RUN_FILES.exit), 'utf8').catch(() => '');
  const end = parseRunEnd(text);
  if (end?.kind === 'exit') return end.code;
  if (end?.kind === 'failed') throw new GuestError('guest', `the command was not run: ${end.text}`);
  const what =
    code === null || code === SSH_FAILED
      ? 'the connection to the guest ended before the command did'
      : `the guest cannot run the command (exit code ${code})`;
  throw new GuestError('guest', `${what}${lastWords === '' ? '' : `: ${lastWords.trim()}`}`);
}

/** Command lines that make a machine which went on, or was booted instead, fit for use. */
function readied(
  { commands }: GuestKind,
  { isCold, isStoreWritable }: Pick<ResumedMachine, 'isCold'> & Pick<RunRequest, 'isStoreWritable'>,
): string[] {
  const { setClock, renewEntropy, connectShares, checkShares, overlayStore } = commands;
  return [
    setClock(Date.now()),
    renewEntropy(randomBytes(32).toString('hex')),
    isCold ? connectShares : checkShares,
    ...(isStoreWritable === true && overlayStore !== undefined ? [overlayStore] : []),
  ];
}

/** Throws `usage` for a share that is to be writable in a guest that cannot do it. */
function requireWritable(
  { name, commands }: GuestKind,
  { isStoreWritable }: Pick<RunRequest, 'isStoreWritable'>,
): void {
  if (isStoreWritable !== true || commands.overlayStore !== undefined) return;
  throw new CygstrapError('usage', `a guest of kind \`${name}\` cannot write to its share \`store\``, {
    hint: 'what is given by `--in` it may change',
  });
}

/** Copies what is in a directory to where it is wanted, beside what is there. Throws `io`. */
async function copyDirectory(from: string, to: string): Promise<void> {
  await requireDirectory(from);
  try {
    await mkdir(to, { recursive: true });
    await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  } catch (cause) {
    throw new CygstrapError('io', `cannot copy \`${from}\` to \`${to}\``, { cause });
  }
}

async function requireDirectory(path: string): Promise<void> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new CygstrapError('io', `not a directory: \`${path}\``);
}

/** Revives a snapshot for a person, readies it as for a run, and hands it to `use`; everything is discarded after that. */
export async function withResumedMachine<T>(
  context: StageContext,
  manifest: SnapshotManifest,
  { store, isStoreWritable }: Pick<RunRequest, 'store' | 'isStoreWritable'>,
  use: (resumed: ResumedMachine) => Promise<T>,
): Promise<T> {
  const { guest, signal } = context;
  requireWritable(guest, { isStoreWritable });
  const shares = async (work: string): Promise<{ store: string; xchg: string }> => {
    if (store !== undefined) await requireDirectory(store);
    const made = { store: store === undefined ? join(work, 'store') : resolve(store), xchg: join(work, 'xchg') };
    await Promise.all([made.xchg, ...(store === undefined ? [made.store] : [])].map((path) => mkdir(path)));
    return made;
  };
  await using resumed = await resume(context, { manifest, shares, mayBoot: true });
  await runChecked(resumed.shell.run, inSequence(readied(guest, { isCold: resumed.isCold, isStoreWritable })), {
    signal,
  });
  // Without the wait it would be gone before it is used.
  return await use(resumed);
}
