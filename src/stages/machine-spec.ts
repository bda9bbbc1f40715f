import type { MachineTemplate } from '../guest/kind.ts';
import type { DiskSpec, MachineSpec, MemoryBacking } from '../vm/spec.ts';
import type { MachineOptions } from './manifest.ts';

/** What a stage decides of a machine, beside its guest kind and the user's wishes. */
export interface StageMachine {
  readonly name: string;
  readonly backing: MemoryBacking;
  readonly start: MachineSpec['start'];
  readonly onReset: MachineSpec['onReset'];
  /** Fixed by a snapshot. */
  readonly machineType?: string;
  readonly accelerator?: string;
  /** Socket to show the screen on, by VNC. */
  readonly vnc?: string | undefined;
}

/** Puts a machine together. Pure: the same parts give the same devices. */
export function machineSpec(
  template: MachineTemplate,
  { memoryMiB, cpus, emptyDisksMiB, qemuArguments }: MachineOptions,
  stage: StageMachine,
): MachineSpec {
  const { name, backing, start, onReset, machineType, accelerator, vnc } = stage;
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
    ...(vnc !== undefined && { graphics: { kind: 'vnc', path: vnc } }),
    ...(machineType !== undefined && { machineType }),
    ...(accelerator !== undefined && { accelerator }),
    extraArguments: [...template.extraArguments, ...qemuArguments],
  };
}
