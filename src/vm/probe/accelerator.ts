import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceleratorResult } from '../host.ts';
import { exitText, stderrText, startProgram } from '../../io/program.ts';
import { makeRunDirectory } from '../run-directory.ts';
import { EXIT_CODE, EXIT_PORT, countingBootSector } from './boot-sector.ts';

const DEADLINE_MS = 2000;

/** 0.2 s under software emulation. */
const ROUNDS = 50_000_000;

export interface AcceleratorTrial {
  readonly binary: string;
  readonly accelerator: string;
  /** The model that machines will have: some cannot be had with some accelerators. */
  readonly cpu: string;
  readonly setpriv: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds out whether an accelerator runs a guest, by running one, for two seconds at the most. A verdict holds as long as the binary, the
 *  kernel and the CPU model do. Throws only the reason of the signal. */
export async function tryAccelerator({
  binary,
  accelerator,
  cpu,
  setpriv,
  signal,
}: AcceleratorTrial): Promise<AcceleratorResult> {
  await using directory = await makeRunDirectory();
  const disk = join(directory.path, 'disk');
  await writeFile(disk, countingBootSector(ROUNDS));
  const argv = [
    binary,
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-no-reboot',
    '-m',
    '16',
    '-cpu',
    cpu,
    '-accel',
    accelerator,
    '-device',
    `isa-debug-exit,iobase=${EXIT_PORT},iosize=4`,
    '-drive',
    `if=ide,format=raw,readonly=off,snapshot=on,file=${disk.replaceAll(',', ',,')}`,
  ];
  const startMs = performance.now();
  const verdict = (why: string | undefined): AcceleratorResult => ({
    name: accelerator,
    works: why === undefined,
    ...(why !== undefined && { why }),
    cpu,
    durationMs: Math.round(performance.now() - startMs),
  });
  await using child = await startProgram(argv, { setpriv, signal, environment: { TMPDIR: directory.path } });
  child.stdin.end();
  child.stdout.resume();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill();
  }, DEADLINE_MS);
  const exit = await child.exited;
  clearTimeout(timer);
  signal?.throwIfAborted();
  if (isLate) return verdict(`runs guests far too slowly, or not at all: nothing within ${DEADLINE_MS} ms`);
  return verdict(exit.code === EXIT_CODE ? undefined : `${exitText(exit)}${stderrText(child.stderrTail())}`);
}
