import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { LineSplitter } from './console.ts';
import { BroadcastQueue } from './broadcast-queue.ts';
import type { MachineFiles } from './layout.ts';
import { exitText, stderrText } from '../io/program.ts';
import type { Program, ProgramExit } from '../io/program.ts';
import { screendump } from './qmp/commands.ts';
import type { QmpSession } from './qmp/session.ts';
import type { MachineSpec } from './spec.ts';
import { VmError } from './vm-error.ts';

/** Lines of the console that a reader who comes late still gets, and that may wait for one who is slow. */
const CONSOLE_LINES = 10_000;

/** How long QEMU has to end after `quit`, before it is killed. */
const QUIT_TIMEOUT_MS = 10_000;

/** How a machine ended. `guest-shutdown`: the guest powered it off. `guest-reset`: it wanted to start again, which `onReset: 'exit'` did
 *  not let it. `guest-panic`: its kernel said so. `host-quit`: we ended it. `died`: anything else; the error tells. */
export type MachineExit =
  | { readonly reason: 'guest-shutdown' | 'guest-reset' | 'guest-panic' | 'host-quit' }
  | { readonly reason: 'died'; readonly error: VmError };

/** Each way to end that says enough, in words. */
export const MACHINE_ENDS: Readonly<Record<Exclude<MachineExit['reason'], 'died'>, string>> = {
  'guest-shutdown': 'the guest powered off',
  'guest-reset': 'the guest restarted, as after a panic',
  'guest-panic': "the guest's kernel panicked",
  'host-quit': 'we ended it',
};

/** What a machine is made from, once QEMU answers. */
export interface MachineParts {
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  readonly child: Program;
  readonly qmp: QmpSession;
  /** A command line that starts the same machine. */
  readonly command: string;
  readonly sshPort: number | undefined;
  readonly report: Report;
}

/** A machine that runs, or has run. Disposing of it ends it at once, without a word to the guest. */
export class Machine implements AsyncDisposable {
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  readonly qmp: QmpSession;
  readonly pid: number;
  /** Where ssh of the guest is on 127.0.0.1, for a card of link `direct`; in the network of QEMU where that has its own. */
  readonly sshPort: number | undefined;
  /** Resolves once, when QEMU is gone; never rejects. */
  readonly exited: Promise<MachineExit>;
  readonly #child: Program;
  readonly #command: string;
  readonly #lines = new BroadcastQueue<string>({ maxWaiting: CONSOLE_LINES, replay: CONSOLE_LINES });
  #isEndedByUs = false;
  #shutdown: string | undefined;
  #hasPanicked = false;
  #isDeaf = false;
  #blockError: string | undefined;

  constructor({ spec, files, child, qmp, command, sshPort, report }: MachineParts) {
    this.spec = spec;
    this.files = files;
    this.qmp = qmp;
    this.pid = child.pid;
    this.sshPort = sshPort;
    this.#child = child;
    this.#command = command;
    void this.#readConsole();
    const watched = this.#watch();
    this.exited = child.exited.then(async (exit) => {
      // What QEMU said last may still be on its way.
      await watched;
      const end = this.#endOf(exit);
      report({ kind: 'note', message: `machine \`${spec.name}\` ended: ${end.reason}` });
      return end;
    });
  }

  /** What the guest writes to its serial port, from the start: the last 10,000 lines of what was, then each as it comes, until the
   *  machine ends. The log file has all of it, byte by byte. */
  console(): AsyncIterableIterator<string> & AsyncDisposable {
    return this.#lines.read();
  }

  /** The last lines that QEMU itself wrote to stderr: warnings, and words of death. */
  stderrTail(): readonly string[] {
    return this.#child.stderrTail();
  }

  /** Gives what a piece of work gives. Throws VmError as soon as the machine ends, however it does; the work is not stopped by that. */
  async unlessEnded<T>(work: Promise<T>): Promise<T> {
    const end = this.exited.then((exit) => {
      if (exit.reason === 'died') throw exit.error;
      throw new VmError(`machine \`${this.spec.name}\` ended too early: ${MACHINE_ENDS[exit.reason]}`, {
        hint: `its console is in \`${this.files.consoleLog}\``,
        details: this.#details(),
      });
    });
    end.catch(() => {});
    const done = work.catch(async (error: unknown) => {
      // When QEMU dies its commands fail first, a moment before we hear of it; why it died is the better message.
      await delay(0);
      if (this.#isDeaf) await end;
      throw error;
    });
    return Promise.race([done, end]);
  }

  /** Presses the power button and waits until the guest has powered off. Throws VmError when it does not in time. */
  async powerdown({
    timeoutMs,
    signal,
  }: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  }): Promise<MachineExit> {
    await this.unlessEnded(this.qmp.command('system_powerdown', {}, { signal }));
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

  /** Ends QEMU in order, so that its disks are whole, and waits until it is gone. The guest is not asked. */
  async quit(): Promise<MachineExit> {
    this.#isEndedByUs = true;
    // It may be gone before it answers.
    await this.qmp.command('quit', {}, { timeoutMs: QUIT_TIMEOUT_MS }).catch(() => {});
    const timer = setTimeout(() => this.#child.kill(), QUIT_TIMEOUT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** Writes a picture of the screen as PNG. Throws VmError, also for a machine without graphics. */
  async screenshot(path: string): Promise<void> {
    if (this.spec.graphics.kind === 'none') throw new VmError(`machine \`${this.spec.name}\` has no screen`);
    await this.unlessEnded(screendump(this.qmp, { scratch: this.files.screen, target: path }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEndedByUs = true;
    await this.#child[Symbol.asyncDispose]();
    await this.qmp[Symbol.asyncDispose]();
    await this.exited;
  }

  /** Says that the end which is to come is wanted, as when a signal is aborted. */
  expectEnd(): void {
    this.#isEndedByUs = true;
  }

  async #readConsole(): Promise<void> {
    const cutter = new LineSplitter();
    const spread = (lines: readonly string[]): void => lines.forEach((line) => this.#lines.push(line));
    this.#child.stdout.on('data', (chunk: Buffer) => spread(cutter.push(chunk)));
    await this.#child.exited;
    spread(cutter.end());
    this.#lines.close();
  }

  async #watch(): Promise<void> {
    for await (const { name, data } of this.qmp.events()) {
      if (name === 'SHUTDOWN' && typeof data['reason'] === 'string') this.#shutdown = data['reason'];
      if (name === 'GUEST_PANICKED') this.#hasPanicked = true;
      if (name === 'BLOCK_IO_ERROR' && data['action'] === 'stop') {
        // The guest stands still and nobody would ever notice.
        this.#blockError = `${data['nospace'] === true ? 'the disk of the host is full' : String(data['reason'])} (\`${String(data['device'])}\`)`;
        this.#child.kill();
      }
    }
    this.#isDeaf = true;
    // Without QEMU's ear there is no telling what the machine does.
    if (!this.#isEndedByUs) setTimeout(() => this.#child.kill(), QUIT_TIMEOUT_MS).unref();
  }

  #endOf(exit: ProgramExit): MachineExit {
    if (this.#blockError !== undefined) {
      const hint = 'make room for the disks of the machine';
      return {
        reason: 'died',
        error: new VmError(`machine \`${this.spec.name}\` cannot write: ${this.#blockError}`, {
          hint,
          details: this.#details(exit),
        }),
      };
    }
    if (exit.code === 0 && this.#hasPanicked) return { reason: 'guest-panic' };
    if (
      exit.code === 0 &&
      (this.#shutdown === 'guest-shutdown' || this.#shutdown === 'guest-reset' || this.#shutdown === 'guest-panic')
    )
      return { reason: this.#shutdown };
    if (this.#isEndedByUs) return { reason: 'host-quit' };
    if (this.#shutdown === 'host-signal')
      return {
        reason: 'died',
        error: new VmError(`somebody ended machine \`${this.spec.name}\` by a signal`, {
          details: this.#details(exit),
        }),
      };
    return { reason: 'died', error: deathOf(this.spec, exit, this.#details(exit)) };
  }

  #details(exit?: ProgramExit): VmError['details'] {
    return { ...this.#child.details(exit), command: this.#command, consoleLog: this.files.consoleLog };
  }
}

/** What QEMU says of every card that is plugged into nothing, as that of a machine that installs. */
const NOISE = /warning: hub \d+ is not connected to host network$/;

/** What to say of a QEMU that ended on its own. */
export function deathOf({ name, memory }: MachineSpec, exit: ProgramExit, details: VmError['details']): VmError {
  const hints = [
    ...(exit.signal === 'SIGBUS' && memory.backing.kind === 'file' ? ['the file system of its RAM file is full'] : []),
    ...(exit.signal === 'SIGKILL' ? ['somebody killed it, perhaps the kernel for want of memory'] : []),
    ...(details.consoleLog === undefined ? [] : [`its console is in \`${details.consoleLog}\``]),
  ];
  return new VmError(
    `QEMU of machine \`${name}\` died (${exitText(exit)})${stderrText((details.stderrTail ?? []).filter((line) => !NOISE.test(line)))}`,
    { details, ...(hints.length > 0 && { hint: hints.join('; ') }) },
  );
}
