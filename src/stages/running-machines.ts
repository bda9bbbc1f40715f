import { rmSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { number, objectOf, oneOf, only, orNull, parseShaped, text } from '../core/json/shape.ts';
import type { Shape } from '../core/json/shape.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { hasCode } from '../io/system-error.ts';
import type { MachineSpec } from '../vm/base/spec.ts';
import type { Machine } from '../vm/machine.ts';
import { startMachine } from '../vm/start.ts';
import type { StageContext } from './context.ts';
import { MACHINE_RECORD, RUN_LINK } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import { listWork } from './stage-store.ts';
import type { WorkDirectory } from './stage-store.ts';

const ACTIVITIES = ['install', 'snapshot', 'run', 'shell', 'boot'] as const;

/** What a machine runs for; named as the command. */
export type Activity = (typeof ACTIVITIES)[number];

const RECORD_SCHEMA = 1;

/** A machine that runs for a stage. */
export interface RunningMachine {
  /** Name of its work directory, unique among all machines. */
  readonly name: string;
  readonly activity: Activity;
  /** Name of the guest kind. */
  readonly guest: string;
  /** Key of the stage that is made or used. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** Log of the serial port. */
  readonly consoleLog: string;
  /** Unix socket that shows the screen by VNC; null for a machine without a screen. */
  readonly vnc: string | null;
}

/** The record of a running machine, in its run directory. */
interface MachineRecord extends Omit<RunningMachine, 'name'> {
  readonly schema: typeof RECORD_SCHEMA;
}

const record: Shape<MachineRecord> = objectOf({
  schema: only(RECORD_SCHEMA),
  activity: oneOf(ACTIVITIES),
  guest: text,
  key: text,
  startedMs: number,
  consoleLog: text,
  vnc: orNull(text),
});

export interface RecordOptions extends Pick<MachineRecord, 'activity' | 'key'> {
  readonly work: Pick<WorkDirectory, 'run'>;
  /** Path of the console log. Default: in the run directory. */
  readonly consoleLog?: string;
}

/** Starts a machine in a work directory, and records it there until it ends, for {@link runningMachines}. Throws as
 *  `startMachine` does, and errors of the system. */
export async function startRecorded(
  { host, guest, report, signal }: StageContext,
  spec: MachineSpec,
  { work, activity, key, consoleLog }: RecordOptions,
): Promise<Machine> {
  const machine = await startMachine(spec, host, { directory: work.run, consoleLog, signal, report });
  const path = join(work.run, MACHINE_RECORD);
  const made: MachineRecord = {
    schema: RECORD_SCHEMA,
    activity,
    guest: guest.name,
    key,
    startedMs: Date.now(),
    consoleLog: machine.files.consoleLog,
    vnc: spec.graphics.kind === 'none' ? null : machine.files.vnc,
  };
  try {
    await writeFileAtomically(path, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
  void machine.exited.then(() => rmSync(path, { force: true }));
  return machine;
}

/** Returns the machines that run now, by the time of their start. Throws `io` for a damaged record. */
export async function runningMachines(places: VmPlaces): Promise<RunningMachine[]> {
  const found: RunningMachine[] = [];
  for (const { path, isRunning } of await listWork(places)) {
    const machine = isRunning ? await machineIn(path) : undefined;
    if (machine !== undefined) found.push(machine);
  }
  return found.sort((a, b) => a.startedMs - b.startedMs);
}

async function machineIn(work: string): Promise<RunningMachine | undefined> {
  try {
    const file = join(await readlink(join(work, RUN_LINK)), MACHINE_RECORD);
    const { schema: _, ...machine } = parseShaped(await readFile(file, 'utf8'), record, {
      file,
      code: 'io',
      hint: 'end the command that runs this machine, and start it again',
    });
    return { name: basename(work), ...machine };
  } catch (error) {
    // The directory has no machine yet, or no longer.
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
