import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceleratorResult } from '../base/host.ts';
import { exitText, stderrText, startProgram } from '../../io/program.ts';
import { makeRunDirectory } from '../run-directory.ts';
import { EXIT_CODE, EXIT_PORT, countingBootSector } from './boot-sector.ts';

const DEADLINE_MS = 2000;

/** Takes 0.2 s with software emulation. */
const ROUNDS = 50_000_000;

export interface AcceleratorTest {
  readonly binary: string;
  readonly accelerator: string;
  /** CPU model; some models do not work with some accelerators. */
  readonly cpu: string;
  readonly signal?: AbortSignal | undefined;
}

/** Tests an accelerator by running a guest with it, for at most two seconds. The result is valid for the same QEMU,
 *  kernel and CPU model. Throws only the reason of the signal. */
export async function testAccelerator({
  binary,
  accelerator,
  cpu,
  signal,
}: AcceleratorTest): Promise<AcceleratorResult> {
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
  const resultOf = (reason: string | undefined): AcceleratorResult => ({
    name: accelerator,
    works: reason === undefined,
    ...(reason !== undefined && { why: reason }),
    cpu,
    durationMs: Math.round(performance.now() - startMs),
  });
  await using child = await startProgram(argv, { signal, environment: { TMPDIR: directory.path } });
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
  if (isLate) return resultOf(`no result of the test guest within ${DEADLINE_MS} ms`);
  return resultOf(exit.code === EXIT_CODE ? undefined : `${exitText(exit)}${stderrText(child.stderrTail())}`);
}
