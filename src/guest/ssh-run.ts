import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ByteBuffer } from '../io/byte-buffer.ts';
import { ProgramError, startProgram } from '../io/program.ts';
import { GuestError } from './guest-error.ts';
import { sshArgv } from './ssh.ts';
import type { SshTarget } from './ssh.ts';

/** First and longest timeout of one connection attempt, in milliseconds. A booted guest responds sooner. A booting
 *  guest receives all attempts at once when its network starts, so there must be few. */
const BANNER_TIMEOUT_MS = { first: 500, most: 3000 } as const;
const BACKOFF_FACTOR = 1.5;
const RETRY_INTERVAL_MS = 20;
const LOGIN_RETRY_INTERVAL_MS = 100;
/** Exit code of ssh if the connection fails. */
export const SSH_FAILED = 255;
const KEPT_OUTPUT_BYTES = 1024 * 1024;

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Waits until sshd of the guest responds, then until a login succeeds. Throws GuestError `guest` after the timeout,
 *  with the last message of ssh, and the reason of the signal. */
export async function waitForSsh(target: SshTarget, options: WaitOptions): Promise<void> {
  const untilMs = performance.now() + options.timeoutMs;
  // In a network namespace only ssh can connect; it waits by its own timeout.
  if (target.within === undefined) await waitForBanner(target, options);
  for (;;) {
    const { code, stderr } = await runOverSsh(target, 'exit 0', options);
    if (code === 0) return;
    const why = stderr.trim().split('\n').at(-1) ?? '';
    // A wrong host key or login is not tried again.
    if (/host key verification failed|permission denied/i.test(stderr) || performance.now() > untilMs) {
      throw new GuestError('guest', `the ssh login to the guest failed: ${why === '' ? `exit code ${code}` : why}`);
    }
    await delay(LOGIN_RETRY_INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** Waits until a server at an address and port sends `SSH-`. Attempts have short timeouts: a connection that starts
 *  before the guest has booted gets no response for many seconds. Throws GuestError `guest` after the timeout, and
 *  the reason of the signal. */
export async function waitForBanner(
  { address, port }: Pick<SshTarget, 'address' | 'port'>,
  { timeoutMs, signal }: WaitOptions,
): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (
    let attemptMs: number = BANNER_TIMEOUT_MS.first;
    ;
    attemptMs = Math.min(attemptMs * BACKOFF_FACTOR, BANNER_TIMEOUT_MS.most)
  ) {
    signal?.throwIfAborted();
    if (await hasBanner({ host: address, port }, attemptMs)) return;
    if (performance.now() > untilMs)
      throw new GuestError('guest', `no response from ssh of the guest within ${timeoutMs} ms`, {
        hint: 'see its console log',
      });
    await delay(RETRY_INTERVAL_MS, undefined, { signal });
  }
}

async function hasBanner(place: { readonly host: string; readonly port: number }, timeoutMs: number): Promise<boolean> {
  const socket = createConnection(place);
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(timeoutMs, () => resolve(false));
      socket.on('data', (chunk: Buffer) => resolve(chunk.toString('latin1').startsWith('SSH-')));
      socket.on('error', () => resolve(false));
      socket.on('end', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface StreamOptions extends RunOptions {
  /** Receives output while the command runs. While its promise is pending, no more output is read. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
}

/** Runs a command line in a guest, passes on its output, and returns its exit code as {@link streamOverSsh} does. */
export type RunCommand = (command: string, options: StreamOptions) => Promise<number | null>;

export interface RunResult {
  /** Exit code of the command, or 255 if ssh failed; null if ssh was killed. */
  readonly code: number | null;
  /** The first MiB of each stream. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in the guest and returns its output and exit code. Throws GuestError `tool` if ssh cannot be
 *  started, and the reason of the signal. */
export async function runOverSsh(target: SshTarget, command: string, options: RunOptions = {}): Promise<RunResult> {
  return runCollected((line, streamOptions) => streamOverSsh(target, line, streamOptions), command, options);
}

/** Collects the output of a command. */
async function runCollected(run: RunCommand, command: string, { signal }: RunOptions): Promise<RunResult> {
  const kept = { stdout: new ByteBuffer(), stderr: new ByteBuffer() };
  const code = await run(command, {
    signal,
    onOutput: (stream, chunk) => {
      const freeBytes = KEPT_OUTPUT_BYTES - kept[stream].sizeBytes;
      if (freeBytes > 0) kept[stream].add(chunk.subarray(0, freeBytes));
    },
  });
  return { code, stdout: kept.stdout.take().toString(), stderr: kept.stderr.take().toString() };
}

/** Runs a command line in the guest and returns its stdout. Throws GuestError `guest` if it fails. */
export async function runCheckedOverSsh(target: SshTarget, command: string, options: RunOptions = {}): Promise<string> {
  return runChecked((line, streamOptions) => streamOverSsh(target, line, streamOptions), command, options);
}

/** Runs a command by `run` and returns its stdout. Throws GuestError `guest` if it fails, and what `run` throws. */
export async function runChecked(run: RunCommand, command: string, options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCollected(run, command, options);
  if (code === 0) return stdout;
  const why = stderr.trim().split('\n').at(-1) ?? '';
  const what =
    code === SSH_FAILED ? 'the connection to the guest failed' : `a command in the guest failed with exit code ${code}`;
  throw new GuestError('guest', `${what}${why === '' ? '' : `: ${why}`}`, { details: { command, stdout, stderr } });
}

/** Runs a command line in the guest, passes on its output, and returns its exit code: 255 also if ssh failed, null
 *  if ssh was killed. Throws GuestError `tool` if ssh cannot be started, the reason of the signal, and what
 *  `onOutput` throws. */
export async function streamOverSsh(
  target: SshTarget,
  command: string,
  { signal, onOutput }: StreamOptions,
): Promise<number | null> {
  await using program = await startProgram(sshArgv(target, command), { signal, stderr: 'stream' }).catch(
    (error: unknown) => {
      throw error instanceof ProgramError
        ? new GuestError('tool', error.message, { hint: error.hint, cause: error })
        : error;
    },
  );
  program.stdin.end();
  const passOn = async (stream: 'stdout' | 'stderr', from: Readable): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Uint8Array>) await onOutput(stream, chunk);
  };
  try {
    await Promise.all([passOn('stdout', program.stdout), passOn('stderr', program.stderr)]);
    const { code } = await program.exited;
    signal?.throwIfAborted();
    return code;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Connects the terminal of the user to a command in the guest. Returns its exit code, or null if ssh was killed. ssh
 *  has always ended and restored the terminal. Throws GuestError `tool` if ssh cannot be started, and the reason of the
 *  signal. */
export async function shellOverSsh(target: SshTarget, command: string, { signal }: RunOptions): Promise<number | null> {
  signal?.throwIfAborted();
  const [program = '', ...words] = sshArgv(target, command, { hasTerminal: true });
  const child = spawn(program, words, { stdio: 'inherit' });
  // Not startProgram: ssh must stay in the foreground process group of the terminal. SIGTERM lets it restore the
  // terminal.
  const onAbort = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', onAbort);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', (cause) => reject(new GuestError('tool', `cannot start \`${program}\``, { cause })));
      child.on('close', resolve);
    });
    signal?.throwIfAborted();
    return code;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
