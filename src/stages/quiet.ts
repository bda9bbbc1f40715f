import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import type { QuietLimits } from '../guest/times.ts';
import type { Machine } from '../vm/machine.ts';
import { queryDiskBytes, queryProcessorThreads } from '../vm/qmp/commands.ts';
import { whileRunning } from './while-running.ts';

/** What a machine has done since its start, at one time. */
export interface ActivitySample {
  /** Milliseconds since any fixed time. */
  readonly ms: number;
  /** Time that the processors of the guest have run, all together. */
  readonly processorMs: number;
  /** Bytes read from and written to the disks. */
  readonly diskBytes: number;
}

/** Load of a machine between two samples. */
export interface MachineLoad {
  /** From 0 to 1, which means all processors. */
  readonly processorShare: number;
  readonly diskBytesPerSecond: number;
}

/** Milliseconds per unit of the times in /proc. Source: USER_HZ of Linux, which is 100 for all its programs. */
const TICK_MS = 10;

/** Samples within the time of `QuietLimits.durationMs`. */
const SAMPLES = 10;

/** Returns the load between two samples of a machine with a number of processors. Pure. */
export function loadBetween(from: ActivitySample, to: ActivitySample, processors: number): MachineLoad {
  const elapsedMs = Math.max(1, to.ms - from.ms);
  return {
    processorShare: (to.processorMs - from.processorMs) / elapsedMs / processors,
    diskBytesPerSecond: ((to.diskBytes - from.diskBytes) / elapsedMs) * 1000,
  };
}

/** Returns what was busier than the limits, for users; empty for an idle machine. Pure. */
export function busyText({ processorShare, diskBytesPerSecond }: MachineLoad, limits: QuietLimits): string {
  const texts = [
    ...(processorShare > limits.processorShare ? [`its processors by ${(processorShare * 100).toFixed(0)} %`] : []),
    ...(diskBytesPerSecond > limits.diskBytesPerSecond
      ? [`its disks by ${(diskBytesPerSecond / 1e6).toFixed(1)} MB/s`]
      : []),
  ];
  return texts.join(', ');
}

export interface QuietOptions {
  readonly limits: QuietLimits;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Waits until a machine was idle for a while, as seen from the host: what still runs in a snapshot runs again in each
 *  machine that is resumed from it. Reports a warning that names what is busy if the guest does not become idle in
 *  time. Throws VmError if the machine ends, and the reason of the signal. */
export async function waitUntilQuiet(machine: Machine, { limits, report, signal }: QuietOptions): Promise<void> {
  const busy = await whileRunning(machine, signal, (stop) => busyAfter(machine, limits, stop));
  if (busy === '') return;
  const message = `the guest does not become idle within ${Math.round(limits.timeoutMs / 1000)} s; busy are ${busy}`;
  report({ kind: 'warning', message });
}

/** Waits until a machine is idle or the time is over, and returns what is busy then. */
async function busyAfter(machine: Machine, limits: QuietLimits, signal: AbortSignal): Promise<string> {
  const startMs = performance.now();
  const threads = await queryProcessorThreads(machine.qmp, { signal });
  const samples: ActivitySample[] = [];
  for (;;) {
    const last = await sampleOf(machine, threads, signal);
    samples.push(last);
    // The first sample is the latest that is old enough.
    while (samples[1] !== undefined && last.ms - samples[1].ms >= limits.durationMs) samples.shift();
    const [first = last] = samples;
    if (last.ms - first.ms >= limits.durationMs) {
      const busy = busyText(loadBetween(first, last, machine.spec.cpus), limits);
      if (busy === '' || last.ms - startMs >= limits.timeoutMs) return busy;
    }
    await delay(limits.durationMs / SAMPLES, undefined, { signal });
  }
}

async function sampleOf(
  { pid, qmp }: Machine,
  threads: readonly number[],
  signal: AbortSignal,
): Promise<ActivitySample> {
  const [{ read, written }, ...times] = await Promise.all([
    queryDiskBytes(qmp, { signal }),
    ...threads.map(async (thread) => processorMsOf(await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8'))),
  ]);
  return { ms: performance.now(), processorMs: times.reduce((sum, each) => sum + each, 0), diskBytes: read + written };
}

/** Returns the time that a thread has run, from its file `stat`. Source: proc(5), utime and stime. */
export function processorMsOf(stat: string): number {
  // The name in parentheses can contain blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
