import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { shellLine } from './argv/words.ts';
import { VmError } from './vm-error.ts';
import type { VmDetails } from './vm-error.ts';

/** Lines of stderr that are kept for a report, and the longest of them. */
const KEPT_LINES = 20;
const LONGEST_KEPT_LINE = 500;

/** Lines of stderr that go into a message. */
const TOLD_LINES = 3;

/** How long output may still come after the end of a child. */
const OUTPUT_GRACE_MS = 500;

/** How a child ended: by an exit code or by a signal. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that cannot outlive us. */
export interface Child extends AsyncDisposable {
  /** Program first, as it was asked for. */
  readonly argv: readonly string[];
  readonly pid: number;
  readonly stdin: Writable;
  /** Must be read: a child whose output nobody takes stands still. */
  readonly stdout: Readable;
  /** Resolves once, when the process is gone and its output was read, or half a second later; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** The last lines of stderr so far. */
  stderrTail(): readonly string[];
  /** What is known of it, for an error. */
  details(exit?: ChildExit): VmDetails;
  /** Sends a signal to it and to what it started in its process group. */
  kill(signal?: NodeJS.Signals): void;
}

export interface ChildOptions {
  /** Path of util-linux's `setpriv`: with it, the kernel ends the child when we die, however that happens. */
  readonly setpriv: string | undefined;
  /** When aborted, the child is killed. */
  readonly signal?: AbortSignal | undefined;
  readonly directory?: string;
  /** Words before the command line, of programs that become what it names; they are no part of it in messages. */
  readonly within?: readonly string[] | undefined;
  /** Put over our own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Process groups of children that run, for the end of this process. */
const running = new Set<number>();

function endThoseThatRun(): void {
  for (const pid of running) killGroup(pid, 'SIGKILL');
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Starts a program, no shell between, in a process group of its own: a Ctrl-C in our terminal is ours to handle. It is ended when it
 *  is disposed of, when the signal is aborted, and when this process ends. Throws VmError when it cannot be started, the reason of
 *  the signal when that is aborted already. */
export async function startChild(argv: readonly string[], options: ChildOptions): Promise<Child> {
  options.signal?.throwIfAborted();
  const whole = [...(options.within ?? []), ...argv];
  const [program = '', ...words] =
    options.setpriv === undefined ? whole : [options.setpriv, '--pdeathsig', 'KILL', '--', ...whole];
  const child = spawn(program, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(options.directory !== undefined && { cwd: options.directory }),
    ...(options.environment !== undefined && { env: { ...process.env, ...options.environment } }),
  });
  const tail = new Tail();
  child.stderr.on('data', (chunk: Buffer) => tail.push(chunk));
  // Whoever writes to a child that is gone learns it from `exited`.
  child.stdin.on('error', () => {});
  const exited = new Promise<ChildExit>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
    // A grandchild may hold its output open for ever.
    child.on('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), OUTPUT_GRACE_MS).unref());
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new VmError(`cannot start \`${argv[0] ?? ''}\``, { cause, details: { argv, command: shellLine(argv) } })),
    );
  });
  const pid = child.pid ?? 0;
  if (running.size === 0) process.once('exit', endThoseThatRun);
  running.add(pid);
  child.once('exit', () => {
    running.delete(pid);
    if (running.size === 0) process.off('exit', endThoseThatRun);
  });
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
    if (child.exitCode === null && child.signalCode === null) killGroup(pid, signal);
  };
  const onAbort = (): void => kill();
  options.signal?.addEventListener('abort', onAbort);
  void exited.then(() => options.signal?.removeEventListener('abort', onAbort));
  if (options.signal?.aborted === true) kill();
  return {
    argv,
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    exited,
    kill,
    stderrTail: () => tail.lines(),
    details: (exit) => ({
      argv,
      command: shellLine(argv),
      stderrTail: tail.lines(),
      ...(exit !== undefined && { exit: exit.code, signal: exit.signal }),
    }),
    [Symbol.asyncDispose]: async () => {
      kill();
      // Output that nobody reads any more would keep it from being closed.
      child.stdout.resume();
      await exited;
    },
  };
}

export interface ToolOptions extends ChildOptions {
  readonly timeoutMs: number;
  /** Keep at the most so much of stdout; by default 1 MiB. */
  readonly longestOutputBytes?: number;
}

/** Runs a program to its end and gives its stdout. Throws VmError when it fails, takes too long or says too much. */
export async function runTool(argv: readonly string[], options: ToolOptions): Promise<string> {
  const { timeoutMs, longestOutputBytes = 1024 * 1024 } = options;
  await using child = await startChild(argv, options);
  child.stdin.end();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes <= longestOutputBytes) chunks.push(chunk);
    else child.kill();
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill();
  }, timeoutMs);
  const exit = await child.exited;
  clearTimeout(timer);
  options.signal?.throwIfAborted();
  const name = argv[0] ?? '';
  if (isLate) throw new VmError(`\`${name}\` took longer than ${timeoutMs} ms`, { details: child.details(exit) });
  if (sizeBytes > longestOutputBytes)
    throw new VmError(`\`${name}\` wrote more than ${longestOutputBytes} bytes`, { details: child.details(exit) });
  if (exit.code !== 0)
    throw new VmError(`\`${name}\` failed (${endText(exit)})${lastWords(child.stderrTail())}`, {
      details: child.details(exit),
    });
  return Buffer.concat(chunks).toString();
}

/** `exit code 1` or `signal SIGKILL`. */
export function endText({ code, signal }: ChildExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** The last lines of stderr, for the end of a message: programs often say what went wrong first, and then what that spoilt. */
export function lastWords(stderrTail: readonly string[]): string {
  return stderrTail.length === 0 ? '' : `: ${stderrTail.slice(-TOLD_LINES).join('; ')}`;
}

/** The last lines of a stream of bytes, none of them long. */
class Tail {
  readonly #lines: string[] = [];
  #open = '';

  push(chunk: Buffer): void {
    const [first = '', ...rest] = chunk.toString('latin1').split('\n');
    this.#open = (this.#open + first).slice(0, LONGEST_KEPT_LINE);
    for (const line of rest) {
      this.#lines.push(this.#open);
      this.#open = line.slice(0, LONGEST_KEPT_LINE);
    }
    this.#lines.splice(0, this.#lines.length - KEPT_LINES);
  }

  lines(): string[] {
    return [...this.#lines, this.#open]
      .map((line) =>
        Buffer.from(line, 'latin1')
          .toString()
          // oxlint-disable-next-line no-control-regex -- control characters must not reach a terminal
          .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, ''),
      )
      .filter((line) => line.trim() !== '');
  }
}
