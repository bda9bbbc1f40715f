import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, freemem, release, tmpdir, totalmem } from 'node:os';
import type { CpuVendor, DiskSpace, Host, Qemu } from '../base/host.ts';
import { findOwnNetwork } from '../network/own-network.ts';
import { VmError } from '../base/vm-error.ts';
import { testAccelerator } from './accelerator.ts';
import { findFirmware } from './firmware.ts';
import { findDistribution } from './distribution.ts';
import { queryQemu } from './qemu.ts';
import { findProgram } from '../../io/program.ts';
import { findTools } from './tools.ts';

/** The QEMU program for both chipset families. */
const QEMU_PROGRAM = 'qemu-system-x86_64';

/** A CPU model that every accelerator supports. */
const DEFAULT_CPU = 'qemu64';

export interface ProbeOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** CPU model for the tests of accelerators. Default: `qemu64`. */
  readonly cpu?: string | undefined;
  /** Directories to report the free space of, in addition to the temporary one. */
  readonly directories?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Probes what this computer provides for running machines, in parallel and without a cache. Takes half a second,
 *  and up to two more for each accelerator that does not work. Missing parts are absent from the result; throws
 *  only the reason of the signal. */
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
  const qemu = binary === undefined ? undefined : await probeQemu(binary, { cpu, signal });
  const firmware = qemu === undefined ? undefined : await findFirmware({ environment, qemu: qemu.binary });
  return {
    architecture: arch(),
    cpuVendor: vendorOf(cpus()[0]?.model ?? ''),
    kernelRelease: release(),
    ...(qemu !== undefined && { qemu }),
    ...(firmware !== undefined && { firmware }),
    tools,
    memory,
    disks: disks.flat(),
    hasOwnNetworks: network !== undefined,
    distribution,
  };
}

async function probeQemu(
  binary: string,
  { cpu, signal }: { cpu: string; signal: AbortSignal | undefined },
): Promise<Qemu | undefined> {
  try {
    const { accelerators, ...qemu } = await queryQemu(binary, { signal });
    return {
      ...qemu,
      accelerators: await Promise.all(
        accelerators.map((accelerator) => testAccelerator({ binary: qemu.binary, accelerator, cpu, signal })),
      ),
    };
  } catch (error) {
    // A QEMU that does not respond counts as missing.
    if (error instanceof VmError) return undefined;
    throw error;
  }
}

/** Returns the maker by the name of a processor. */
function vendorOf(model: string): CpuVendor {
  if (/AMD/.test(model)) return 'amd';
  return /Intel/.test(model) ? 'intel' : 'other';
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
