import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { VmError } from '../base/vm-error.ts';
import { pngOf } from './png.ts';
import type { QmpSession, WaitOptions } from './session.ts';
import { fieldOf } from './values.ts';

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
