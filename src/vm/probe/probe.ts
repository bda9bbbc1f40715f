import { readFile, statfs } from 'node:fs/promises';
import { arch, freemem, release, tmpdir, totalmem } from 'node:os';
import type { DiskSpace, Host, Qemu } from '../host.ts';
import { findOwnNetwork } from '../network/own-network.ts';
import { VmError } from '../vm-error.ts';
import { tryAccelerator } from './accelerator.ts';
import { findDistribution } from './distribution.ts';
import { askQemu } from './qemu.ts';
import { findProgram } from '../../io/program.ts';
import { findTools } from './tools.ts';

/** The program that runs machines of both families. */
const QEMU_PROGRAM = 'qemu-system-x86_64';

/** What every accelerator has. */
const DEFAULT_CPU = 'qemu64';

export interface ProbeOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The CPU model to try accelerators with; by default `qemu64`. */
  readonly cpu?: string | undefined;
  /** Directories whose free space matters, beside the temporary one. */
  readonly directories?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds out what this computer has for running machines. Everything is looked at anew, side by side; it takes the half of a second, and
 *  up to two more for each accelerator that does not work. What is missing is absent; throws only the reason of the signal. */
export async function probeHost({
  environment,
  cpu = DEFAULT_CPU,
  directories = [],
  signal,
}: ProbeOptions): Promise<Host> {
  const [tools, binary, distribution, memory, disks, network] = await Promise.all([
    findTools(environment),
    findProgram(QEMU_PROGRAM, environment),
    findDistribution(),
    findMemory(),
    Promise.all([tmpdir(), ...directories].map(spaceOf)),
    findOwnNetwork(environment, signal),
  ]);
  const qemu = binary === undefined ? undefined : await probeQemu(binary, { cpu, setpriv: tools.setpriv, signal });
  return {
    architecture: arch(),
    kernelRelease: release(),
    ...(qemu !== undefined && { qemu }),
    tools,
    memory,
    disks: disks.flat(),
    hasOwnNetworks: network !== undefined,
    distribution,
  };
}

async function probeQemu(
  binary: string,
  { cpu, setpriv, signal }: { cpu: string; setpriv: string | undefined; signal: AbortSignal | undefined },
): Promise<Qemu | undefined> {
  try {
    const { accelerators, ...qemu } = await askQemu(binary, { setpriv, signal });
    return {
      ...qemu,
      accelerators: await Promise.all(
        accelerators.map((accelerator) => tryAccelerator({ binary: qemu.binary, accelerator, cpu, setpriv, signal })),
      ),
    };
  } catch (error) {
    // One that does not even answer is as good as none.
    if (error instanceof VmError) return undefined;
    throw error;
  }
}

async function findMemory(): Promise<Host['memory']> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const [, available] = /^MemAvailable:\s+(\d+) kB$/m.exec(text) ?? [];
  return { totalBytes: totalmem(), availableBytes: available === undefined ? freemem() : Number(available) * 1024 };
}

async function spaceOf(path: string): Promise<DiskSpace[]> {
  try {
    const { bavail, bsize } = await statfs(path);
    return [{ path, freeBytes: bavail * bsize }];
  } catch {
    return [];
  }
}
