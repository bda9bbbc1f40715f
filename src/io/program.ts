import { execFile, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { CygstrapError } from '../errors.ts';
import { onAbort } from './abort.ts';
import { DOCTOR_HINT } from './doctor-hint.ts';
import { hasCode } from './system-error.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { withoutControls } from '../printable.ts';
import { quoteCommand } from './quoting.ts';
import { withoutSecrets } from './secret-variables.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How many last lines of stderr are kept for a report, and the longest of them in characters. */
const KEPT_LINES = 20;
const LONGEST_KEPT_LINE = 500;

/** How many lines of stderr an error message contains. */
const MESSAGE_LINES = 3;

/** How long output may still arrive after the program has ended. */
const OUTPUT_GRACE_MS = 500;

/** Directories of programs for administrators, which the PATH of other users often lacks. */
const MORE_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib/busybox', '/run/current-system/sw/bin'];

/** How a program ended: by an exit code or by a signal. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Facts about a program that failed. */
export interface ProgramDetails {
  readonly argv: readonly string[];
  /** A command line that can be pasted into a shell. */
  readonly command: string;
  /** Exit code; null if a signal ended the program, absent if it did not start or still runs. */
  readonly exit?: number | null;
  readonly signal?: string | null;
  /** The last lines written to stderr. */
  readonly stderrTail: readonly string[];
}

/** Thrown when a program cannot be started, fails, takes too long or writes too much. Code: `tool`. */
export class ProgramError extends CygstrapError {
  declare readonly details: ProgramDetails;

  constructor(
    message: string,
    options: { readonly details: ProgramDetails; readonly hint?: string | undefined; readonly cause?: unknown },
  ) {
    super('tool', message, options);
    this.name = 'ProgramError';
  }
}

/** A running program. It ends when it is disposed, when its signal is aborted, and when this process ends. */
export interface Program extends AsyncDisposable {
  /** The program first, as requested. */
  readonly argv: readonly string[];
  readonly pid: number;
  readonly stdin: Writable;
  /** Must be read: a program whose output is not read blocks. */
  readonly stdout: Readable;
  /** To be read only with `stderr: 'stream'`. */
  readonly stderr: Readable;
  /** Resolves once, when the process has ended and its output was read, or half a second later. Never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** Returns the last lines of stderr so far; none with `stderr: 'stream'`. */
  stderrTail(): readonly string[];
  /** Returns the facts for an error. */
  details(exit?: ProgramExit): ProgramDetails;
  /** Sends a signal (default SIGKILL) to the program and to its process group. */
  kill(signal?: NodeJS.Signals): void;
}

export interface StartOptions {
  /** Whether the kernel kills the program when this process is killed, where the system supports it. Default: true;
   *  false for a program that must not stop in the middle of its work, such as a package manager. */
  readonly hasDeathSignal?: boolean;
  /** Kills the program when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly directory?: string;
  /** Arguments before the command line, of wrappers that execute it. Messages omit them. */
  readonly within?: readonly string[] | undefined;
  /** Variables added to the environment of this process, which is passed without its secrets. */
  readonly environment?: Environment;
  /** Pass only `environment`, nothing of this process's own; /bin/sh may add `PWD`. Default: false. */
  readonly isEnvironmentComplete?: boolean;
  /** `tail` keeps the last lines of stderr for errors, `stream` leaves stderr to the caller. Default: `tail`. */
  readonly stderr?: 'tail' | 'stream';
}

/** Process groups of running programs, killed at the end of this process. */
const running = new Set<number>();

function killAll(): void {
  for (const pid of running) killGroup(pid, 'SIGKILL');
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The process has ended already.
  }
}

/** Does not start the program if this process died before the death signal was set. */
const UNLESS_ORPHAN = ['/bin/sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"', `${process.pid}`];

let deathSignal: Promise<readonly string[] | undefined> | undefined;

/** Returns the command prefix with which the kernel ends a program when this process dies in any way, or undefined
 *  if this system has none: it needs the `setpriv` of util-linux. */
async function findDeathSignal(): Promise<readonly string[] | undefined> {
  const setpriv = await findProgram('setpriv');
  if (setpriv === undefined) return undefined;
  const prefix = ['--pdeathsig', 'KILL', '--'];
  // That of busybox does not have the option.
  const works = await promisify(execFile)(setpriv, [...prefix, '/bin/sh', '-c', ':']).then(
    () => true,
    () => false,
  );
  return works ? [setpriv, ...prefix] : undefined;
}

/** Starts a program without a shell, in a process group of its own, so that Ctrl-C in the terminal reaches this
 *  process only. Where `setpriv` is installed, the kernel kills it when this process dies. Throws ProgramError if it
 *  cannot be started, and the reason of the signal. */
export async function startProgram(argv: readonly string[], options: StartOptions = {}): Promise<Program> {
  options.signal?.throwIfAborted();
  const environment = {
    ...(options.isEnvironmentComplete === true ? {} : withoutSecrets(process.env)),
    ...options.environment,
  };
  const [file = '', ...args] = await wholeCommand(argv, environment, options);
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Windows opens a console window for a detached process.
    detached: process.platform !== 'win32',
    env: environment,
    ...(options.directory !== undefined && { cwd: options.directory }),
  });
  const tail = new Tail();
  if (options.stderr !== 'stream') child.stderr.on('data', (chunk: Buffer) => tail.push(chunk));
  // A failed write to a program that has ended is reported by `exited`.
  child.stdin.on('error', () => {});
  const exited = new Promise<ProgramExit>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
    // A grandchild can keep the output open forever.
    child.on('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), OUTPUT_GRACE_MS).unref());
  });
  const detailsOf = (exit?: ProgramExit): ProgramDetails => ({
    argv,
    command: quoteCommand(argv),
    stderrTail: tail.lines(),
    ...(exit !== undefined && { exit: exit.code, signal: exit.signal }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      // An absolute path is not that of a program of the system, or it was found there before.
      const hint = hasCode(cause, 'ENOENT') && !/[\\/]/.test(argv[0] ?? '') ? DOCTOR_HINT : undefined;
      reject(new ProgramError(`cannot start \`${argv[0] ?? ''}\``, { hint, cause, details: detailsOf() }));
    });
  });
  const pid = child.pid ?? 0;
  if (running.size === 0) process.once('exit', killAll);
  running.add(pid);
  child.once('exit', () => {
    running.delete(pid);
    if (running.size === 0) process.off('exit', killAll);
  });
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (process.platform === 'win32') child.kill(signal);
    else killGroup(pid, signal);
  };
  if (options.signal !== undefined) void exited.then(onAbort(options.signal, () => kill()));
  return {
    argv,
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill,
    stderrTail: () => tail.lines(),
    details: detailsOf,
    [Symbol.asyncDispose]: async () => {
      kill();
      // Unread output would keep the streams from closing.
      child.stdout.resume();
      child.stderr.resume();
      await exited;
    },
  };
}

/** Returns a command line with all its wrappers. */
async function wholeCommand(
  argv: readonly string[],
  environment: Environment,
  { within = [], hasDeathSignal = true }: StartOptions,
): Promise<readonly string[]> {
  const prefix = hasDeathSignal ? await (deathSignal ??= findDeathSignal()) : undefined;
  // A wrapper would hide that a program is missing.
  if (prefix === undefined || (await findProgram(argv[0] ?? '', environment)) === undefined)
    return [...within, ...argv];
  return [...prefix, ...within, ...UNLESS_ORPHAN, ...argv];
}

export interface RunOptions extends Omit<StartOptions, 'stderr'> {
  readonly timeoutMs: number;
  /** Written to stdin, which is closed after that. Default: nothing. */
  readonly input?: Uint8Array;
  /** Bound of stdout. Default: 1 MiB. */
  readonly longestOutputBytes?: number;
}

/** Runs a program to its end and returns its stdout. Throws ProgramError if it cannot be started, exits with
 *  another code than 0, runs longer than `timeoutMs` or writes more than `longestOutputBytes`, and the reason of
 *  the signal. */
export async function runProgram(argv: readonly string[], options: RunOptions): Promise<Buffer> {
  const { timeoutMs, input, longestOutputBytes = 1024 * 1024 } = options;
  await using program = await startProgram(argv, options);
  program.stdin.end(input);
  const stdout = new ByteBuffer();
  let isTooLong = false;
  program.stdout.on('data', (chunk: Buffer) => {
    isTooLong ||= stdout.sizeBytes + chunk.length > longestOutputBytes;
    if (isTooLong) program.kill();
    else stdout.add(chunk);
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    program.kill();
  }, timeoutMs);
  const exit = await program.exited;
  clearTimeout(timer);
  options.signal?.throwIfAborted();
  const name = argv[0] ?? '';
  const details = program.details(exit);
  if (isLate) throw new ProgramError(`\`${name}\` took longer than ${timeoutMs} ms`, { details });
  if (isTooLong) throw new ProgramError(`\`${name}\` wrote more than ${longestOutputBytes} bytes`, { details });
  if (exit.code !== 0)
    throw new ProgramError(`\`${name}\` failed (${exitText(exit)})${stderrText(program.stderrTail())}`, { details });
  return stdout.take();
}

/** Returns `exit code 1` or `signal SIGKILL`. */
export function exitText({ code, signal }: ProgramExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Returns `: ` and the last lines of stderr for the end of a message, or an empty text. */
export function stderrText(stderrTail: readonly string[]): string {
  return stderrTail.length === 0 ? '' : `: ${stderrTail.slice(-MESSAGE_LINES).join('; ')}`;
}

/** Returns the path of a program, or undefined. A name without `/` is looked up in the PATH of `environment` and in the
 *  directories of programs for administrators. */
export async function findProgram(name: string, environment: Environment = process.env): Promise<string | undefined> {
  const directories = [
    ...(environment['PATH'] ?? '').split(delimiter).filter((directory) => directory.startsWith('/')),
    ...MORE_DIRECTORIES,
  ];
  const paths = name.startsWith('/') ? [name] : directories.map((directory) => join(directory, name));
  for (const path of paths) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return undefined;
}

/** Keeps the last lines of a stream of bytes, each cut to a bound. */
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
      .map((line) => withoutControls(Buffer.from(line, 'latin1').toString()))
      .filter((line) => line.trim() !== '');
  }
}
