import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ProgramError, startProgram } from '../io/program.ts';
import { GuestError } from './guest-error.ts';
import { sshArgv } from './ssh.ts';
import type { SshTarget } from './ssh.ts';

/** How long one try may take, at first and at most. A guest that is awake answers sooner. One that is not gets a connection for each
 *  try when it wakes, all at once, so that there must not be many. */
const BANNER_TIMEOUT_MS = { first: 500, most: 3000 } as const;
const MORE_PATIENCE = 1.5;
const RETRY_INTERVAL_MS = 20;
const LOGIN_RETRY_INTERVAL_MS = 100;
/** What ssh itself ends with when it cannot connect, or the connection broke. */
export const SSH_FAILED = 255;
const KEPT_OUTPUT_BYTES = 1024 * 1024;

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Waits until sshd of the guest says `SSH-`, then until it lets us in. Throws GuestError `guest` when it does not in time, with what
 *  was seen last, and the reason of the signal. */
export async function waitForSsh(target: SshTarget, options: WaitOptions): Promise<void> {
  const untilMs = performance.now() + options.timeoutMs;
  // Where only ssh can be put it waits on its own, for longer at a time.
  if (target.within === undefined) await waitForBanner(target, options);
  for (;;) {
    const { code, stderr } = await runOverSsh(target, 'exit 0', options);
    if (code === 0) return;
    const why = stderr.trim().split('\n').at(-1) ?? '';
    // A wrong host key or login will not be right the next time.
    if (/host key verification failed|permission denied/i.test(stderr) || performance.now() > untilMs) {
      throw new GuestError('guest', `the guest does not let us in: ${why === '' ? `exit code ${code}` : why}`);
    }
    await delay(LOGIN_RETRY_INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** Waits until something at an address and port says `SSH-`. A try is given up soon: of a connection that was begun too early nothing
 *  is heard for many seconds. Throws GuestError `guest`, and the reason of the signal. */
export async function waitForBanner(
  { address, port }: Pick<SshTarget, 'address' | 'port'>,
  { timeoutMs, signal }: WaitOptions,
): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (
    let patienceMs: number = BANNER_TIMEOUT_MS.first;
    ;
    patienceMs = Math.min(patienceMs * MORE_PATIENCE, BANNER_TIMEOUT_MS.most)
  ) {
    signal?.throwIfAborted();
    if (await saysBanner({ host: address, port }, patienceMs)) return;
    if (performance.now() > untilMs)
      throw new GuestError('guest', `ssh of the guest did not answer within ${timeoutMs} ms`, {
        hint: 'its console log may tell why',
      });
    await delay(RETRY_INTERVAL_MS, undefined, { signal });
  }
}

async function saysBanner(
  place: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
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
  /** Takes output as it comes; what the promise waits for holds the guest's command back. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
}

/** Runs a command line in a guest, hands on what it writes, and gives its exit code as `streamOverSsh` does. */
export type RunCommand = (command: string, options: StreamOptions) => Promise<number | null>;

export interface RunResult {
  /** The command's code, or 255 where ssh itself failed; null when it was killed. */
  readonly code: number | null;
  /** The first MiB of each. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in the guest and gives what it wrote. Does not throw for an exit code. Throws GuestError `tool` when there is no
 *  ssh, and the reason of the signal. */
export async function runOverSsh(target: SshTarget, command: string, options: RunOptions = {}): Promise<RunResult> {
  return runCollected((line, streamOptions) => streamOverSsh(target, line, streamOptions), command, options);
}

/** The same by another way than ssh of this host. */
async function runCollected(run: RunCommand, command: string, { signal }: RunOptions): Promise<RunResult> {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const sizes = { stdout: 0, stderr: 0 };
  const code = await run(command, {
    signal,
    onOutput: (stream, chunk) => {
      if (sizes[stream] < KEPT_OUTPUT_BYTES) kept[stream].push(chunk);
      sizes[stream] += chunk.length;
    },
  });
  return { code, stdout: Buffer.concat(kept.stdout).toString(), stderr: Buffer.concat(kept.stderr).toString() };
}

/** The same for a command that has to succeed: gives its stdout. Throws GuestError `guest` when it does not. */
export async function runCheckedOverSsh(target: SshTarget, command: string, options: RunOptions = {}): Promise<string> {
  return runChecked((line, streamOptions) => streamOverSsh(target, line, streamOptions), command, options);
}

/** Runs a command that has to succeed, whatever way leads to the guest: gives its stdout. Throws GuestError `guest` when it does not, and
 *  what running throws. */
export async function runChecked(run: RunCommand, command: string, options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCollected(run, command, options);
  if (code === 0) return stdout;
  const why = stderr.trim().split('\n').at(-1) ?? '';
  const what =
    code === SSH_FAILED ? 'the connection to the guest failed' : `a command in the guest failed with exit code ${code}`;
  throw new GuestError('guest', `${what}${why === '' ? '' : `: ${why}`}`, { details: { command, stdout, stderr } });
}

/** Runs a command line in the guest, hands on what it writes as it comes, and gives its exit code: 255 is ssh's own as well, null means
 *  that ssh was killed. Throws GuestError `tool` when there is no ssh, the reason of the signal, and what `onOutput` throws. */
export async function streamOverSsh(
  target: SshTarget,
  command: string,
  { signal, onOutput }: StreamOptions,
): Promise<number | null> {
  await using program = await startProgram(sshArgv(target, command), { signal, stderr: 'stream' }).catch(
    (error: unknown) => {
      throw error instanceof ProgramError ? new GuestError('tool', error.message, { cause: error }) : error;
    },
  );
  program.stdin.end();
  const take = async (stream: 'stdout' | 'stderr', from: Readable): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Uint8Array>) await onOutput(stream, chunk);
  };
  try {
    await Promise.all([take('stdout', program.stdout), take('stderr', program.stderr)]);
    const { code } = await program.exited;
    signal?.throwIfAborted();
    return code;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Gives the user's terminal to a shell in the guest until that ends; gives its exit code, or null when ssh was killed. In any case ssh is
 *  gone, and the terminal as it was. Throws GuestError `tool` when there is no ssh, and the reason of the signal. */
export async function shellOverSsh(target: SshTarget, { signal }: RunOptions): Promise<number | null> {
  signal?.throwIfAborted();
  const [program = '', ...words] = sshArgv(target);
  const child = spawn(program, words, { stdio: 'inherit' });
  // Not startProgram: ssh must stay in the foreground process group of the terminal. SIGTERM lets it restore the terminal.
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
