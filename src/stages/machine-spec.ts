import { dirname } from 'node:path';
import type { CpuModels, GuestKind, MachineTemplate } from '../guest/kind.ts';
import { acceleratorOf } from '../vm/argv.ts';
import type { GuestTimes } from '../guest/times.ts';
import { timesWith } from '../guest/times.ts';
import type { Host } from '../vm/base/host.ts';
import { requireFirmware, requireQemu } from '../vm/base/require.ts';
import type { DiskSpec, FirmwareSpec, MachineSpec, MemoryBacking } from '../vm/base/spec.ts';
import type { MachineOptions } from './manifest.ts';
import type { MachineStorage } from './storage.ts';

/** The part of a machine that the stage decides; the rest comes from the guest kind and the user. */
export interface StageMachine {
  readonly name: string;
  readonly host: Pick<Host, 'qemu' | 'firmware' | 'cpuVendor'>;
  readonly storage: MachineStorage;
  readonly backing: MemoryBacking;
  readonly start: MachineSpec['start'];
  readonly onReset: MachineSpec['onReset'];
  /** Set when a snapshot is made or resumed. */
  readonly machineType?: string;
  readonly accelerator?: string;
}

/** Returns the complete specification of a machine. Pure: equal arguments give equal devices. Throws VmError if the
 *  host lacks UEFI firmware that the machine needs, or QEMU. */
export function machineSpec(
  { hasFirmwareConsole, cpu, ...template }: MachineTemplate,
  options: MachineOptions,
  stage: StageMachine,
): MachineSpec {
  const { name, host, storage, backing, start, onReset, machineType, accelerator } = stage;
  const bus = template.disks[0]?.bus ?? 'ide';
  const emptyDisks = options.emptyDisksMiB.map((sizeMiB, i): DiskSpec => ({
    id: `empty${i}`,
    bus,
    source: { kind: 'empty', sizeMiB },
  }));
  const firmware: FirmwareSpec =
    options.firmware === 'bios'
      ? { kind: 'bios', hasConsole: hasFirmwareConsole }
      : { kind: 'uefi', code: requireFirmware(host).code, vars: storage.vars };
  return {
    ...template,
    name,
    firmware,
    ...(options.tpm && { tpm: { stateDirectory: dirname(storage.tpm) } }),
    cpu: cpuOf(cpu, host, acceleratorOf({ ...(accelerator !== undefined && { accelerator }) }, requireQemu(host))),
    cpus: options.cpus,
    memory: { sizeMiB: options.memoryMiB, backing },
    start,
    onReset,
    shares: [],
    disks: [...template.disks, ...emptyDisks],
    ...(machineType !== undefined && { machineType }),
    ...(accelerator !== undefined && { accelerator }),
    extraArguments: [...template.extraArguments, ...options.qemuArguments],
  };
}

/** Returns the machine of a guest kind without files and network, to read its other properties. */
export function bareTemplate(guest: GuestKind): MachineTemplate {
  return guest.bootMachine({ disk: { kind: 'empty', sizeMiB: 1 }, directory: '/', link: { kind: 'none' } });
}

/** Returns the CPU model for an accelerator of a host. */
export function cpuOf(
  { kvm, emulated }: CpuModels,
  { cpuVendor }: Pick<Host, 'cpuVendor'>,
  accelerator: string,
): string {
  if (accelerator !== 'kvm') return emulated;
  return cpuVendor === 'amd' ? kvm.amd : kvm.other;
}

/** Returns the times of a guest in a machine. Throws VmError without QEMU. */
export function timesOf(
  { guest, host }: { readonly guest: Pick<GuestKind, 'times'>; readonly host: Pick<Host, 'qemu'> },
  machine: Pick<MachineSpec, 'accelerator'>,
): GuestTimes {
  return timesWith(guest.times, acceleratorOf(machine, requireQemu(host)));
}
