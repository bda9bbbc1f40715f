import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { count, flag, listOf, objectOf, oneOf, only, orNull, parseShaped, text } from '../core/json/shape.ts';
import type { Shape } from '../core/json/shape.ts';
import { CygstrapError } from '../errors.ts';
import type { Event, Report } from '../events.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { ioError, isMissing } from '../io/system-error.ts';
import type { StageContext } from './context.ts';
import { TIMED_ACTIVITIES, timesPath } from './layout.ts';
import type { TimedActivity, VmPlaces } from './layout.ts';
import { sortedNamesIn } from './stage-store.ts';

const TIMES_SCHEMA = 1;

/** Records that are kept of one activity with one stage; the oldest are removed. */
const MOST_RECORDS = 500;

/** Phases of one record: a guest can report any number of steps. */
const MOST_PHASES = 100;

/** A part of the time of an activity. */
export interface Phase {
  readonly name: string;
  readonly durationMs: number;
}

/** How long it took to make a stage, or to run one command. It has no command line and no variables: these can contain
 *  secrets. */
export interface Times {
  /** `install`, `snapshot` or `run`. */
  readonly activity: TimedActivity;
  /** Key of the stage that was made; of a run, that of its snapshot. */
  readonly key: string;
  /** Name of the guest kind. */
  readonly guest: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly end: TimedEnd;
  /** Exit code of the command of a run; null if there is none. */
  readonly code: number | null;
  /** True if the disk was booted, because the snapshot could not be resumed. */
  readonly isCold: boolean;
  /** Milliseconds from the start of a run until the first output of its command; null without output. */
  readonly firstOutputMs: number | null;
  /** In order. Empty if they are unknown. */
  readonly phases: readonly Phase[];
}

const ENDS = ['done', 'failed', 'interrupted'] as const;

/** `done` also for a command with an exit code other than 0. */
export type TimedEnd = (typeof ENDS)[number];

const record: Shape<Times & { readonly schema: typeof TIMES_SCHEMA }> = objectOf({
  schema: only(TIMES_SCHEMA),
  activity: oneOf(TIMED_ACTIVITIES),
  key: text,
  guest: text,
  startedMs: count,
  durationMs: count,
  end: oneOf(ENDS),
  code: orNull(count),
  isCold: flag,
  firstOutputMs: orNull(count),
  phases: listOf(objectOf({ name: text, durationMs: count })),
});

/** Measures the phases of one activity. */
export class Stopwatch {
  readonly #startMs = performance.now();
  readonly #phases: { readonly name: string; readonly atMs: number }[] = [];
  #outputMs: number | null = null;
  /** What is known of a run; the end of a command sets it. */
  result: Pick<Times, 'code' | 'isCold'> = { code: null, isCold: false };

  /** Starts a phase, and ends the one before. A phase that is started again continues. */
  start(name: string): void {
    if (name === this.#phases.at(-1)?.name || this.#phases.length === MOST_PHASES) return;
    this.#phases.push({ name, atMs: this.#elapsedMs() });
  }

  /** Notes the first output of a command. */
  noteOutput(): void {
    this.#outputMs ??= this.#elapsedMs();
  }

  /** Returns what was measured until now. */
  read(): Pick<Times, 'durationMs' | 'code' | 'isCold' | 'firstOutputMs' | 'phases'> {
    const durationMs = this.#elapsedMs();
    const phases = this.#phases.map(({ name, atMs }, i) => ({
      name,
      durationMs: (this.#phases[i + 1]?.atMs ?? durationMs) - atMs,
    }));
    return { durationMs, ...this.result, firstOutputMs: this.#outputMs, phases };
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startMs);
  }
}

type TimedContext = Pick<StageContext, 'places' | 'report' | 'signal'> & {
  readonly guest: Pick<StageContext['guest'], 'name'>;
};

/** Calls `work` with a stopwatch, and records what it measured, also of work that fails or is interrupted. A record
 *  that cannot be written is reported as a note. Throws what `work` throws. */
export async function recordTimes<T>(
  { places, guest, report, signal }: TimedContext,
  { activity, key }: Pick<Times, 'activity' | 'key'>,
  work: (stopwatch: Stopwatch) => Promise<T>,
): Promise<T> {
  const startedMs = Date.now();
  const stopwatch = new Stopwatch();
  let end: TimedEnd = 'failed';
  try {
    const result = await work(stopwatch);
    end = 'done';
    return result;
  } finally {
    if (end !== 'done' && signal.aborted) end = 'interrupted';
    const times = { activity, key, guest: guest.name, startedMs, end, ...stopwatch.read() };
    const directory = timesPath(places, activity, key);
    await write(directory, times).catch((error: unknown) => {
      const failure = ioError(error, 'write the times to', directory);
      if (!(failure instanceof CygstrapError)) throw failure;
      report({ kind: 'note', message: failure.message });
    });
  }
}

/** Returns a receiver of events that starts a phase for each step of a stage. */
export function phasesOf(stopwatch: Stopwatch, report: Report): Report {
  let hasMachine = false;
  stopwatch.start('prepare');
  return (event: Event): void => {
    if (event.kind === 'stage-step') stopwatch.start(event.text);
    // Steps follow the first machine.
    if (event.kind === 'machine-start' && !hasMachine) stopwatch.start('start');
    hasMachine ||= event.kind === 'machine-start';
    report(event);
  };
}

/** Each record is a file, so that processes do not wait for each other, and none sees a part of a record. */
async function write(directory: string, times: Times): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = `${`${times.startedMs}`.padStart(15, '0')}-${randomBytes(4).toString('hex')}.json`;
  await writeFileAtomically(join(directory, name), `${JSON.stringify({ schema: TIMES_SCHEMA, ...times })}\n`, {
    mode: 0o600,
  });
  for (const old of (await recordsIn(directory)).slice(0, -MOST_RECORDS))
    await rm(join(directory, old), { force: true });
}

async function recordsIn(directory: string): Promise<string[]> {
  return (await sortedNamesIn(directory)).filter((name) => /^\d+-\w+\.json$/.test(name));
}

/** Returns the recorded times of all stages and runs, oldest first. Skips damaged records. Throws `io`. */
export async function readTimes(places: VmPlaces): Promise<Times[]> {
  const found: Times[] = [];
  for (const below of await sortedNamesIn(places.times)) {
    const directory = join(places.times, below);
    for (const name of await recordsIn(directory)) {
      const times = await readRecord(join(directory, name));
      if (times !== undefined) found.push(times);
    }
  }
  return found.sort((a, b) => a.startedMs - b.startedMs);
}

async function readRecord(file: string): Promise<Times | undefined> {
  try {
    const { schema: _, ...times } = parseShaped(await readFile(file, 'utf8'), record, { file, code: 'io', hint: '' });
    return times;
  } catch (error) {
    // A loss of power can leave an empty file; another process can remove one.
    if (error instanceof CygstrapError || isMissing(error)) return undefined;
    throw error;
  }
}
