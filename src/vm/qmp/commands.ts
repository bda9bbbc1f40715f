import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { VmError } from '../base/vm-error.ts';
import { pngOf } from './png.ts';
import type { QmpSession, WaitOptions } from './session.ts';
import { fieldOf, listOf } from './values.ts';

/** Returns the state of a machine in QEMU's words: `running`, `paused`, `inmigrate`, `io-error`. Throws VmError. */
export async function queryStatus(qmp: QmpSession, options?: WaitOptions): Promise<string> {
  const status = fieldOf(await qmp.command('query-status', {}, options), 'status');
  if (typeof status !== 'string') throw new VmError('QEMU returned no status of the machine');
  return status;
}

/** Presses keys together, by QEMU's names: `['ctrl', 'alt', 'delete']`. Throws VmError. */
export async function sendKeys(qmp: QmpSession, keys: readonly string[], options?: WaitOptions): Promise<void> {
  await qmp.command('send-key', { keys: keys.map((data) => ({ type: 'qcode', data })) }, options);
}

/** Resets a machine as its reset button does. Throws VmError. */
export async function resetMachine(qmp: QmpSession, options?: WaitOptions): Promise<void> {
  await qmp.command('system_reset', {}, options);
}

/** Bytes that a guest has read from and written to all its drives since its start. */
export interface DiskBytes {
  readonly read: number;
  readonly written: number;
}

/** Returns how much a guest has used its drives. Throws VmError. */
export async function queryDiskBytes(qmp: QmpSession, options?: WaitOptions): Promise<DiskBytes> {
  const drives = await qmp.command('query-blockstats', {}, options);
  const total = { read: 0, written: 0 };
  for (const drive of listOf(drives)) {
    const stats = fieldOf(drive, 'stats');
    total.read += Number(fieldOf(stats, 'rd_bytes') ?? 0);
    total.written += Number(fieldOf(stats, 'wr_bytes') ?? 0);
  }
  return total;
}

/** Returns the numbers of the threads of QEMU that run the processors of the guest. Throws VmError. */
export async function queryProcessorThreads(qmp: QmpSession, options?: WaitOptions): Promise<number[]> {
  const processors = await qmp.command('query-cpus-fast', {}, options);
  const threads = listOf(processors).map((each) => fieldOf(each, 'thread-id'));
  // An emulated machine can have one thread for all its processors.
  return [...new Set(threads.filter((thread) => typeof thread === 'number'))];
}

export interface ScreenFiles {
  /** Path for a temporary file in QEMU's format. */
  readonly scratch: string;
  /** Path of the PNG. */
  readonly target: string;
}

/** Writes a screenshot as PNG; the target appears complete or not at all. Throws VmError and errors of the system. */
export async function screendump(
  qmp: QmpSession,
  { scratch, target }: ScreenFiles,
  options?: WaitOptions,
): Promise<void> {
  try {
    // PPM, which every QEMU supports; PNG is a build option.
    await qmp.command('screendump', { filename: scratch }, options);
    const png = pngOf(await readFile(scratch));
    await writeFileAtomically(target, png);
  } finally {
    await rm(scratch, { force: true });
  }
}
