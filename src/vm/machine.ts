import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { followFile } from './console-tail.ts';
import { LineSplitter } from './console.ts';
import { BroadcastQueue } from './qmp/broadcast-queue.ts';
import type { MachineFiles } from './base/layout.ts';
import type { CygstrapError } from '../errors.ts';
import { exitText, stderrText } from '../io/program.ts';
import type { Program, ProgramExit } from '../io/program.ts';
import { ioError } from '../io/system-error.ts';
import { screendump } from './qmp/commands.ts';
import type { QmpSession, WaitOptions } from './qmp/session.ts';
import type { MachineSpec } from './base/spec.ts';
import { VmError } from './base/vm-error.ts';
import type { Tpm } from './tpm.ts';

/** Lines of the console that a late reader receives, and that may wait for a slow reader. */
const CONSOLE_LINES = 10_000;

/** Time between two looks into the console log. */
const CONSOLE_INTERVAL_MS = 20;

/** Time for QEMU to end after `quit` before it is killed. */
const QUIT_TIMEOUT_MS = 10_000;

/** Time between the ends of TPM and QEMU, in any order, when both end because the guest powered off. */
const TPM_GRACE_MS = 3000;

/** How a machine ended. `guest-shutdown`: the guest powered off. `guest-reset`: the guest reset, with `onReset:
 *  'exit'`. `guest-panic`: its kernel reported a panic. `host-quit`: cygstrap ended it. `died`: any other end,
 *  described by the error. */
export type MachineExit =
  | { readonly reason: 'guest-shutdown' | 'guest-reset' | 'guest-panic' | 'host-quit' }
  | { readonly reason: 'died'; readonly error: VmError };

/** Descriptions of the ends other than `died`. */
export const MACHINE_ENDS: Readonly<Record<Exclude<MachineExit['reason'], 'died'>, string>> = {
  'guest-shutdown': 'the guest powered off',
  'guest-reset': 'the guest restarted, as after a panic',
  'guest-panic': "the guest's kernel panicked",
  'host-quit': 'cygstrap ended it',
};

/** The parts of a machine, after QEMU has responded. */
export interface MachineParts {
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  /** Size of the console log before the start, in bytes. */
  readonly consoleStart: number;
  readonly child: Program;
  /** Resolves when QEMU has ended and its sockets and temporary files are removed; never rejects. */
  readonly cleaned: Promise<unknown>;
  readonly tpm: Tpm | undefined;
  readonly qmp: QmpSession;
  /** A command line that starts the same machine by hand. */
  readonly command: string;
  readonly sshPort: number | undefined;
  readonly report: Report;
}

/** A machine that is running or has ended. Disposing of it kills QEMU at once, without a shutdown of the guest. */
export class Machine implements AsyncDisposable {
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  readonly qmp: QmpSession;
  readonly pid: number;
  /** Port of the guest's ssh on 127.0.0.1 for a card of link `direct`, in the network namespace of QEMU if it has
   *  one. */
  readonly sshPort: number | undefined;
  /** Resolves once, when QEMU has ended and its sockets and temporary files are removed; never rejects. */
  readonly exited: Promise<MachineExit>;
  readonly #child: Program;
  readonly #command: string;
  readonly #lines = new BroadcastQueue<string>({ maxWaiting: CONSOLE_LINES, replay: CONSOLE_LINES });
  readonly #splitter = new LineSplitter();
  #isEndIntended = false;
  #shutdown: string | undefined;
  #hasPanicked = false;
  #isQmpClosed = false;
  #blockError: string | undefined;
  #tpmError: VmError | undefined;
  #consoleError: VmError | undefined;

  constructor({ spec, files, consoleStart, child, cleaned, tpm, qmp, command, sshPort, report }: MachineParts) {
    this.spec = spec;
    this.files = files;
    this.qmp = qmp;
    this.pid = child.pid;
    this.sshPort = sshPort;
    this.#child = child;
    this.#command = command;
    const consoleRead = this.#readConsole(consoleStart).catch((error: unknown) => this.#endWithoutConsole(error));
    const watched = this.#watch();
    if (tpm !== undefined) void this.#endAfter(tpm);
    this.exited = child.exited.then(async (exit) => {
      // The last events may still be in the queue, the last lines in the log.
      await watched;
      await consoleRead;
      await cleaned;
      await tpm?.end();
      const end = this.#endOf(exit);
      report({ kind: 'note', message: `machine \`${spec.name}\` ended: ${end.reason}` });
      return end;
    });
  }

  /** Returns the lines that the guest writes to its serial port: up to 10,000 earlier lines, then new ones until
   *  the machine ends. The log file contains all bytes. */
  console(): AsyncIterableIterator<string> & AsyncDisposable {
    return this.#lines.read();
  }

  /** Returns the text that the guest wrote to its serial port after the last line end, such as a prompt. */
  openLine(): string {
    return this.#splitter.open();
  }

  /** Returns the last lines that QEMU wrote to stderr: warnings and errors. */
  stderrTail(): readonly string[] {
    return this.#child.stderrTail();
  }

  /** Returns the result of `work`. Throws VmError as soon as the machine ends for any reason; that does not stop
   *  the work. */
  async unlessEnded<T>(work: Promise<T>): Promise<T> {
    const end = this.exited.then((exit) => {
      if (exit.reason === 'died') throw exit.error;
      throw new VmError(`machine \`${this.spec.name}\` ended unexpectedly: ${MACHINE_ENDS[exit.reason]}`, {
        hint: `its console is in \`${this.files.consoleLog}\``,
        details: this.#details(),
      });
    });
    end.catch(() => {});
    const done = work.catch(async (error: unknown) => {
      // When QEMU dies, its commands fail shortly before its exit is reported; the reason of its exit is the better
      // message.
      await delay(0);
      if (this.#isQmpClosed) await end;
      throw error;
    });
    return Promise.race([done, end]);
  }

  /** Runs a QMP command and returns its result. Throws VmError as {@link QmpSession.command} does; if the machine ends
   *  first, with the reason of its end. */
  async command(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: WaitOptions = {},
  ): Promise<unknown> {
    return this.unlessEnded(this.qmp.command(name, args, options));
  }

  /** Presses the power button and waits until the guest has powered off. Throws VmError if that takes longer than
   *  `timeoutMs`, and the reason of the signal. */
  async powerdown({
    timeoutMs,
    signal,
  }: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  }): Promise<MachineExit> {
    await this.command('system_powerdown', {}, { signal });
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    try {
      return await Promise.race([
        this.exited,
        new Promise<never>((_resolve, reject) => {
          timer = setTimeout(
            () =>
              reject(
                new VmError(`machine \`${this.spec.name}\` did not power off within ${timeoutMs} ms`, {
                  details: this.#details(),
                }),
              ),
            timeoutMs,
          );
          onAbort = () => reject(signal?.reason as Error);
          signal?.addEventListener('abort', onAbort);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends QEMU by its `quit` command, which flushes its disks, and waits for its end. Does not shut the guest down. */
  async quit(): Promise<MachineExit> {
    this.#isEndIntended = true;
    // QEMU can end before it responds.
    await this.qmp.command('quit', {}, { timeoutMs: QUIT_TIMEOUT_MS }).catch(() => {});
    const timer = setTimeout(() => this.#child.kill(), QUIT_TIMEOUT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** Writes a screenshot as PNG. Throws VmError, also for a machine without graphics. */
  async screenshot(path: string): Promise<void> {
    if (this.spec.graphics.kind === 'none') throw new VmError(`machine \`${this.spec.name}\` has no screen`);
    await this.unlessEnded(screendump(this.qmp, { scratch: this.files.screen, target: path }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEndIntended = true;
    await this.#child[Symbol.asyncDispose]();
    await this.qmp[Symbol.asyncDispose]();
    await this.exited;
  }

  /** Marks the next end as intended, such as after an abort. */
  expectEnd(): void {
    this.#isEndIntended = true;
  }

  async #readConsole(start: number): Promise<void> {
    const ended = new AbortController();
    void this.#child.exited.then(() => ended.abort());
    const pushAll = (lines: readonly string[]): void => lines.forEach((line) => this.#lines.push(line));
    try {
      await using log = await open(this.files.consoleLog, 'r');
      const options = { start, intervalMs: CONSOLE_INTERVAL_MS, signal: ended.signal };
      for await (const piece of followFile(log, options)) pushAll(this.#splitter.push(piece));
      pushAll(this.#splitter.end());
    } finally {
      this.#lines.close();
    }
  }

  /** Ends QEMU: who waits for a line of the console would wait until its timeout. */
  #endWithoutConsole(error: unknown): void {
    const cause = ioError(error, 'read its console log', this.files.consoleLog) as Error & Partial<CygstrapError>;
    const options = { ...(cause.hint !== undefined && { hint: cause.hint }), details: this.#details(), cause };
    this.#consoleError = new VmError(`machine \`${this.spec.name}\` was ended: ${cause.message}`, options);
    this.#child.kill();
  }

  async #watch(): Promise<void> {
    for await (const { name, data } of this.qmp.events()) {
      if (name === 'SHUTDOWN' && typeof data['reason'] === 'string') this.#shutdown = data['reason'];
      if (name === 'GUEST_PANICKED') this.#hasPanicked = true;
      if (name === 'BLOCK_IO_ERROR' && data['action'] === 'stop') {
        // The guest is stopped, and nothing else would report it.
        const reason = data['nospace'] === true ? 'the disk of the host is full' : String(data['reason']);
        this.#blockError = `${reason} (\`${String(data['device'])}\`)`;
        this.#child.kill();
      }
    }
    this.#isQmpClosed = true;
    // Without QMP the state of the machine is unknown.
    if (!this.#isEndIntended) setTimeout(() => this.#child.kill(), QUIT_TIMEOUT_MS).unref();
  }

  /** Ends QEMU if it does not end with its TPM: a guest must not go on without it. */
  async #endAfter({ ended }: Tpm): Promise<void> {
    const error = await ended;
    await delay(TPM_GRACE_MS, undefined, { ref: false });
    this.#tpmError = error;
    this.#child.kill();
  }

  #endOf(exit: ProgramExit): MachineExit {
    if (this.#blockError !== undefined) {
      const hint = 'free some disk space';
      return {
        reason: 'died',
        error: new VmError(`machine \`${this.spec.name}\` cannot write: ${this.#blockError}`, {
          hint,
          details: this.#details(exit),
        }),
      };
    }
    if (this.#consoleError !== undefined && !this.#isEndIntended) return { reason: 'died', error: this.#consoleError };
    if (this.#tpmError !== undefined && exit.signal !== null) return { reason: 'died', error: this.#tpmError };
    if (exit.code === 0 && this.#hasPanicked) return { reason: 'guest-panic' };
    if (
      exit.code === 0 &&
      (this.#shutdown === 'guest-shutdown' || this.#shutdown === 'guest-reset' || this.#shutdown === 'guest-panic')
    )
      return { reason: this.#shutdown };
    if (this.#isEndIntended) return { reason: 'host-quit' };
    if (this.#shutdown === 'host-signal')
      return {
        reason: 'died',
        error: new VmError(`machine \`${this.spec.name}\` was ended by a signal`, { details: this.#details(exit) }),
      };
    return { reason: 'died', error: deathOf(this.spec, exit, this.#details(exit)) };
  }

  #details(exit?: ProgramExit): VmError['details'] {
    return { ...this.#child.details(exit), command: this.#command, consoleLog: this.files.consoleLog };
  }
}

/** A warning of QEMU for every card that is plugged into nothing, as in a machine that installs. */
const NOISE = /warning: hub \d+ is not connected to host network$/;

/** Returns the error for a QEMU that ended on its own. */
export function deathOf({ name, memory }: MachineSpec, exit: ProgramExit, details: VmError['details']): VmError {
  const hints = [
    ...(exit.signal === 'SIGBUS' && memory.backing.kind === 'file' ? ['the file system of its RAM file is full'] : []),
    ...(exit.signal === 'SIGKILL' ? ['the process was killed, possibly by the kernel because memory ran out'] : []),
    ...(details.consoleLog === undefined ? [] : [`its console is in \`${details.consoleLog}\``]),
  ];
  const reason = stderrText((details.stderrTail ?? []).filter((line) => !NOISE.test(line)));
  return new VmError(`QEMU of machine \`${name}\` died (${exitText(exit)})${reason}`, {
    details,
    ...(hints.length > 0 && { hint: hints.join('; ') }),
  });
}
