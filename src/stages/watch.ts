import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import type { ConsoleMarker } from '../guest/console-markers.ts';
import { EMULATION_FACTOR } from '../guest/install-progress.ts';
import type { InstallEvent, InstallPhase, InstallProgress } from '../guest/install-progress.ts';
import type { GuestKind } from '../guest/kind.ts';
import type { Machine, MachineExit } from '../vm/machine.ts';
import { queryDiskBytes, resetMachine } from '../vm/qmp/commands.ts';
import { installError } from './watch/failure.ts';
import type { FailureHints } from './watch/failure.ts';
import { KeyPresser } from './watch/keys.ts';
import { Screens } from './watch/screens.ts';
import { InstallState } from './watch/state.ts';

export interface WatchLimits {
  /** Longest duration of one step of the guest. Default: that of the phase. */
  readonly stepTimeoutMs?: number | undefined;
  /** Longest time without a line on the console and without a write to a disk. Default: that of the guest. */
  readonly stallTimeoutMs?: number | undefined;
  /** Longest time between two screenshots. */
  readonly screenIntervalMs: number;
}

export const WATCH_LIMITS: WatchLimits = { screenIntervalMs: 30_000 };

export interface WatchOptions {
  readonly guest: Pick<GuestKind, 'parseMarker'>;
  readonly progress: InstallProgress;
  readonly limits: WatchLimits;
  /** Whether the machine runs under software emulation: the limits of the guest are multiplied. */
  readonly isEmulated: boolean;
  /** File for the screenshot; each replaces the last. */
  readonly screen: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Result of {@link watchInstall}. */
export interface Watched {
  readonly markers: readonly ConsoleMarker[];
  readonly exit: MachineExit;
  /** Last line of the console, or the line of a kernel panic. */
  readonly lastLine: string;
  /** Name of the phase, or of the step within it, in which the machine ended. */
  readonly step: string;
  readonly phase: InstallPhase;
}

const POLL_INTERVAL_MS = 500;
const ANSWER_TIMEOUT_MS = 1000;

/** Screenshots within the time of a stall: enough to see that nothing moves. */
const SCREENS_PER_STALL = 8;

/** Watches an installation until its machine ends: reports phases and restarts, presses keys, takes screenshots. Throws
 *  GuestError `guest` if a phase exceeds its limit, if there is no console line and no disk write for too long, if the
 *  guest restarts too often, and for a failure that the guest kind recognizes; the message has the phase. */
export async function watchInstall(machine: Machine, options: WatchOptions): Promise<Watched> {
  const { guest, progress, limits, isEmulated, screen, report, signal } = options;
  const factor = isEmulated ? EMULATION_FACTOR : 1;
  const stallTimeoutMs = limits.stallTimeoutMs ?? progress.stallTimeoutMs * factor;
  const screenIntervalMs = Math.min(limits.screenIntervalMs, stallTimeoutMs / SCREENS_PER_STALL);
  const state = new InstallState(progress, performance.now());
  const screens = new Screens(machine, screen);
  const keys = new KeyPresser(machine);
  let reject: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, rejectIt) => (reject = rejectIt));
  failed.catch(() => {});
  let isScreenDue = false;
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);

  const seen = (): string =>
    state.lastLine === '' ? 'its console is empty' : `the last line of its console: ${state.lastLine}`;
  const errorOf = (what: string, hints?: FailureHints): Error =>
    installError(`the installation ${what}`, { step: state.step, consoleLog: machine.files.consoleLog, screen }, hints);
  let hasFailed = false;
  const fail = (reason: string, hint: string): void => {
    // What follows, such as the next entry of the firmware, is a consequence.
    if (hasFailed) return;
    hasFailed = true;
    const what = `failed in step \`${state.step}\`: ${reason}; ${seen()}`;
    void screens.take().then(() => reject(errorOf(what, { before: hint })));
  };
  const add = (event: InstallEvent): void => {
    if (event.kind === 'line' || event.kind === 'write') screens.forget();
    const before = state.step;
    const { started, keys: pressed, reset, failure } = state.add(event, performance.now());
    if (started !== undefined) {
      isScreenDue = true;
      // The marker of a phase can follow another sign of its start.
      if (started.name !== before || started.step !== undefined)
        report({ kind: 'stage-step', stage: 'install', text: started.name, step: started.step });
    }
    if (pressed === 'stop') keys.stop();
    else if (pressed !== undefined)
      keys.start(pressed, {
        durationMs: isEmulated ? pressed.emulatedDurationMs : pressed.durationMs,
        onEnd: () => add({ kind: 'keys-pressed' }),
      });
    if (reset !== undefined) {
      report({ kind: 'warning', message: reset });
      // The end of the machine is reported by others.
      resetMachine(machine.qmp, { signal: stop }).catch(() => {});
    }
    if (failure !== undefined) fail(failure.reason, failure.hint);
  };
  const listen = async (): Promise<void> => {
    for await (const text of machine.console()) {
      const marker = guest.parseMarker(text);
      if (marker?.kind === 'warning') report({ kind: 'warning', message: `the guest reports: ${marker.text}` });
      add({ kind: 'line', text, marker });
    }
  };
  const countBytes = async (): Promise<boolean> => {
    const bytes = await bytesWritten(machine, stop);
    if (bytes !== undefined && bytes > state.writtenBytes) {
      state.writtenBytes = bytes;
      add({ kind: 'write' });
    }
    return bytes !== undefined;
  };
  const countRestarts = async (): Promise<void> => {
    for await (const { name, data } of machine.qmp.events()) {
      if (name !== 'RESET' || data['guest'] !== true || !state.addRestart(performance.now())) continue;
      const { length } = state.restartsMs;
      report({ kind: 'note', message: `the guest restarted in step \`${state.step}\`: restart ${length}` });
      await countBytes();
      add({ kind: 'restart' });
      if (progress.restarts === undefined || length <= progress.restarts.max) continue;
      const minutes = Math.ceil((performance.now() - (state.restartsMs[0] ?? 0)) / 60_000);
      const within = `within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
      fail(`the guest restarted ${length} times ${within}`, progress.restarts.hint);
    }
  };
  const guard = async (): Promise<never> => {
    let lastScreenMs = performance.now();
    let open = '';
    for (;;) {
      await delay(POLL_INTERVAL_MS, undefined, { signal: stop });
      const text = machine.openLine();
      if (text !== open && text.trim() !== '') add({ kind: 'line', text, marker: undefined });
      open = text;
      const isResponding = await countBytes();
      const nowMs = performance.now();
      const stepTimeoutMs = limits.stepTimeoutMs ?? state.phase.timeoutMs * factor;
      const isLate = nowMs - state.stepSinceMs > stepTimeoutMs;
      const isStalled = nowMs - state.lastProgressMs > stallTimeoutMs;
      if (isLate || isStalled || isScreenDue || nowMs - lastScreenMs > screenIntervalMs) {
        lastScreenMs = nowMs;
        isScreenDue = false;
        await screens.take();
      }
      const before = state.phase.hint;
      if (isStalled)
        throw errorOf(`${stallText(isResponding && screens.isStill())}; ${seen()}`, {
          before,
          after: moreTime('stall'),
        });
      if (isLate)
        throw errorOf(`hangs: step \`${state.step}\` takes longer than ${duration(stepTimeoutMs)}; ${seen()}`, {
          before,
          after: moreTime('step'),
        });
    }
  };
  const stallText = (isStill: boolean): string =>
    isStill
      ? `waits for an answer or hangs: in step \`${state.step}\` there is no write to a disk for ` +
        `${duration(stallTimeoutMs)}, and the screen does not change`
      : `hangs: no progress for ${duration(stallTimeoutMs)} in step \`${state.step}\``;

  const listening = listen();
  countRestarts().catch(() => {});
  try {
    const exit = await Promise.race([machine.exited, failed, guard()]);
    await listening;
    signal.throwIfAborted();
    const { markers, lastLine, step, phase } = state;
    return { markers, exit, lastLine, step, phase };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
    keys.stop();
  }
}

function moreTime(option: 'step' | 'stall'): string {
  return `, or allow more time with \`--${option}-timeout\``;
}

function duration(ms: number): string {
  return ms < 600_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Returns the number of bytes that the guest has written to its disks; undefined if QEMU does not respond. */
async function bytesWritten({ qmp }: Machine, signal: AbortSignal): Promise<number | undefined> {
  const bytes = await queryDiskBytes(qmp, { timeoutMs: ANSWER_TIMEOUT_MS, signal }).catch(() => undefined);
  signal.throwIfAborted();
  return bytes?.written;
}
