import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import type { ConsoleMarker } from '../guest/console-markers.ts';
import { GuestError } from '../guest/guest-error.ts';
import type { GuestKind } from '../guest/kind.ts';
import type { Machine, MachineExit } from '../vm/machine.ts';

export interface WatchLimits {
  /** Longest duration of one step of the guest. */
  readonly stepTimeoutMs: number;
  /** Longest time without a line on the console and without a write to a disk. */
  readonly stallTimeoutMs: number;
  /** Time between two screenshots. */
  readonly screenIntervalMs: number;
}

export const WATCH_LIMITS: WatchLimits = {
  stepTimeoutMs: 60 * 60_000,
  stallTimeoutMs: 10 * 60_000,
  screenIntervalMs: 30_000,
};

export interface WatchOptions {
  readonly guest: Pick<GuestKind, 'parseMarker'>;
  readonly limits: WatchLimits;
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
}

const POLL_INTERVAL_MS = 1000;
const ANSWER_TIMEOUT_MS = 1000;
const LAST_SCREEN_TIMEOUT_MS = 2000;

/** Watches an installation until its machine ends: reports each step and takes screenshots. Throws GuestError
 *  `guest` if a step exceeds its limit, or if there is no console line and no disk write for too long; the message
 *  has the step and the last console line. */
export async function watchInstall(machine: Machine, options: WatchOptions): Promise<Watched> {
  const { guest, limits, screen, report, signal } = options;
  const markers: ConsoleMarker[] = [];
  let step = 'start';
  let stepSinceMs = performance.now();
  let lastProgressMs = stepSinceMs;
  let lastLine = '';
  let panicLine: string | undefined;
  const listen = async (): Promise<void> => {
    for await (const line of machine.console()) {
      lastProgressMs = performance.now();
      lastLine = line;
      if (/kernel panic/i.test(line)) panicLine ??= line;
      const marker = guest.parseMarker(line);
      if (marker === undefined) continue;
      markers.push(marker);
      if (marker.kind !== 'stage') continue;
      step = marker.name;
      stepSinceMs = lastProgressMs;
      report({ kind: 'stage-step', stage: 'install', text: marker.name, step: marker.step });
    }
  };
  const seen = (): string => (lastLine === '' ? 'its console is empty' : `the last line of its console: ${lastLine}`);
  const guard = async (stop: AbortSignal): Promise<never> => {
    let writtenBytes = -1;
    let lastScreenMs = performance.now();
    for (;;) {
      await delay(POLL_INTERVAL_MS, undefined, { signal: stop });
      const bytes = await bytesWritten(machine, stop);
      const nowMs = performance.now();
      if (bytes > writtenBytes) lastProgressMs = nowMs;
      writtenBytes = Math.max(bytes, writtenBytes);
      if (nowMs - lastProgressMs > limits.stallTimeoutMs)
        throw stalled(`no progress for ${seconds(limits.stallTimeoutMs)} in step \`${step}\``, seen());
      if (nowMs - stepSinceMs > limits.stepTimeoutMs)
        throw stalled(`step \`${step}\` takes longer than ${seconds(limits.stepTimeoutMs)}`, seen());
      if (nowMs - lastScreenMs > limits.screenIntervalMs) {
        lastScreenMs = nowMs;
        await machine.screenshot(screen).catch(() => {});
      }
    }
  };
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const listening = listen();
  try {
    const exit = await Promise.race([machine.exited, guard(stop)]);
    await listening;
    signal.throwIfAborted();
    return { markers, exit, lastLine: panicLine ?? lastLine };
  } catch (error) {
    signal.throwIfAborted();
    await lastScreen(machine, screen);
    throw error;
  } finally {
    ended.abort();
  }
}

function stalled(what: string, seen: string): GuestError {
  return new GuestError('guest', `the installation hangs: ${what}; ${seen}`, {
    hint: 'see its console log and its last screen, or allow more time with `--stall-timeout`',
  });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** Takes a screenshot of a failed machine; gives up after two seconds. */
export async function lastScreen(machine: Machine, path: string): Promise<void> {
  await Promise.race([machine.screenshot(path).catch(() => {}), delay(LAST_SCREEN_TIMEOUT_MS)]);
}

/** Returns the number of bytes that the guest has written to its disks, or -1 if QEMU does not respond. */
async function bytesWritten(machine: Machine, signal: AbortSignal): Promise<number> {
  const drives = await machine.qmp
    .command('query-blockstats', {}, { timeoutMs: ANSWER_TIMEOUT_MS, signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  if (!Array.isArray(drives)) return -1;
  return (drives as { stats?: { wr_bytes?: number } }[]).reduce((sum, { stats }) => sum + (stats?.wr_bytes ?? 0), 0);
}
