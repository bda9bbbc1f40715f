import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { VmError } from '../vm-error.ts';
import { pngOf } from './png.ts';
import type { QmpSession, WaitOptions } from './session.ts';

/** What QEMU says a machine does, such as `running`, `paused`, `inmigrate`, `io-error`. Throws VmError. */
export async function queryStatus(qmp: QmpSession, options?: WaitOptions): Promise<string> {
  const status = fieldOf(await qmp.command('query-status', {}, options), 'status');
  if (typeof status !== 'string') throw new VmError('QEMU does not tell the status of the machine');
  return status;
}

/** Presses keys together, by QEMU's names, such as `['ctrl', 'alt', 'delete']`. Throws VmError. */
export async function sendKeys(qmp: QmpSession, keys: readonly string[], options?: WaitOptions): Promise<void> {
  await qmp.command('send-key', { keys: keys.map((data) => ({ type: 'qcode', data })) }, options);
}

export interface ScreenFiles {
  /** Where QEMU may write a picture of its own kind for a moment. */
  readonly scratch: string;
  /** The PNG. */
  readonly target: string;
}

/** Takes a picture of the screen as PNG; the target appears whole or not at all. Throws VmError, and errors of the system. */
export async function screendump(
  qmp: QmpSession,
  { scratch, target }: ScreenFiles,
  options?: WaitOptions,
): Promise<void> {
  try {
    // The format that every QEMU writes: PNG is an option of its build.
    await qmp.command('screendump', { filename: scratch }, options);
    const png = pngOf(await readFile(scratch));
    await writeFileAtomically(target, png);
  } finally {
    await rm(scratch, { force: true });
  }
}

/** A field of a JSON object; undefined for anything else. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
