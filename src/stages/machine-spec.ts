import type { MachineTemplate } from '../guest/kind.ts';
import type { DiskSpec, MachineSpec, MemoryBacking } from '../vm/base/spec.ts';
import type { MachineOptions } from './manifest.ts';

/** The part of a machine that the stage decides; the rest comes from the guest kind and the user. */
export interface StageMachine {
  readonly name: string;
  readonly backing: MemoryBacking;
  readonly start: MachineSpec['start'];
  readonly onReset: MachineSpec['onReset'];
  /** Set when a snapshot is made or resumed. */
  readonly machineType?: string;
  readonly accelerator?: string;
}

/** Returns the complete specification of a machine. Pure: equal arguments give equal devices. */
export function machineSpec(
  template: MachineTemplate,
  { memoryMiB, cpus, emptyDisksMiB, qemuArguments }: MachineOptions,
  stage: StageMachine,
): MachineSpec {
  const { name, backing, start, onReset, machineType, accelerator } = stage;
  const bus = template.disks[0]?.bus ?? 'ide';
  const emptyDisks = emptyDisksMiB.map((sizeMiB, i): DiskSpec => ({
    id: `empty${i}`,
    bus,
    source: { kind: 'empty', sizeMiB },
  }));
  return {
    ...template,
    name,
    cpus,
    memory: { sizeMiB: memoryMiB, backing },
    start,
    onReset,
    shares: [],
    disks: [...template.disks, ...emptyDisks],
    ...(machineType !== undefined && { machineType }),
    ...(accelerator !== undefined && { accelerator }),
    extraArguments: [...template.extraArguments, ...qemuArguments],
  };
}
