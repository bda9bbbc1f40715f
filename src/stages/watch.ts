import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import type { ConsoleMarker } from '../guest/console-markers.ts';
import { GuestError } from '../guest/guest-error.ts';
import type { GuestKind } from '../guest/kind.ts';
import type { Machine, MachineExit } from '../vm/machine.ts';

export interface WatchLimits {
  /** The longest that one step of the guest may take. */
  readonly stepTimeoutMs: number;
  /** The longest without a line on the console and without anything written to a disk. */
  readonly stallTimeoutMs: number;
  /** How often the screen is taken. */
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
  /** Where the picture of the screen goes, each over the one before. */
  readonly screen: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** What an installing machine said until it powered off. */
export interface Watched {
  readonly markers: readonly ConsoleMarker[];
  readonly exit: MachineExit;
  /** Of its console; the one that tells of a panic, if one does. */
  readonly lastLine: string;
}

const POLL_INTERVAL_MS = 1000;
const ANSWER_TIMEOUT_MS = 1000;
const LAST_SCREEN_TIMEOUT_MS = 2000;

/** Watches a machine that installs itself until it ends, tells of each of its steps, and takes its screen now and then. Throws
 *  GuestError `guest` when a step takes too long, or when nothing happens at all: it says what was awaited and seen last. */
export async function watchInstall(machine: Machine, options: WatchOptions): Promise<Watched> {
  const { guest, limits, screen, report, signal } = options;
  const markers: ConsoleMarker[] = [];
  let step = 'the first sign of life';
  let stepSinceMs = performance.now();
  let lastSignMs = stepSinceMs;
  let lastLine = '';
  let panicLine: string | undefined;
  const listen = async (): Promise<void> => {
    for await (const line of machine.console()) {
      lastSignMs = performance.now();
      lastLine = line;
      if (/kernel panic/i.test(line)) panicLine ??= line;
      const marker = guest.parseMarker(line);
      if (marker === undefined) continue;
      markers.push(marker);
      if (marker.kind !== 'stage') continue;
      step = marker.name;
      stepSinceMs = lastSignMs;
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
      if (bytes > writtenBytes) lastSignMs = nowMs;
      writtenBytes = Math.max(bytes, writtenBytes);
      if (nowMs - lastSignMs > limits.stallTimeoutMs)
        throw stalled(`nothing happened for ${seconds(limits.stallTimeoutMs)} in step \`${step}\``, seen());
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
    hint: 'look at its console log and at the picture of its screen, or give it more time with `--stall-timeout`',
  });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** Takes the screen of a machine that failed, unless even that hangs. */
export async function lastScreen(machine: Machine, path: string): Promise<void> {
  await Promise.race([machine.screenshot(path).catch(() => {}), delay(LAST_SCREEN_TIMEOUT_MS)]);
}

/** All that the guest wrote to its disks so far; a machine that does not answer has written nothing new. */
async function bytesWritten(machine: Machine, signal: AbortSignal): Promise<number> {
  const drives = await machine.qmp
    .command('query-blockstats', {}, { timeoutMs: ANSWER_TIMEOUT_MS, signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  if (!Array.isArray(drives)) return -1;
  return (drives as { stats?: { wr_bytes?: number } }[]).reduce((sum, { stats }) => sum + (stats?.wr_bytes ?? 0), 0);
}
