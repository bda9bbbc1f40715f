import type { DiskSource, LinkSpec, NicModel, FirmwareKind } from '../../vm/base/spec.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';
import type { CpuModels, GuestDefaults, MachineTemplate } from '../kind.ts';

/** The machine of a kind of Windows: only devices whose drivers are on its medium. */
export interface WindowsHardware extends GuestDefaults {
  readonly family: MachineTemplate['family'];
  readonly bus: 'ide' | 'ahci';
  readonly card: NicModel;
  readonly pointer: MachineTemplate['pointer'];
  readonly cpu: MachineTemplate['cpu'];
  /** Fewest processors that its Setup accepts. */
  readonly leastCpus: number;
  /** Space of an installed system without updates. */
  readonly usualDiskMiB: number;
  /** All that its Setup can start from; the first is the default. */
  readonly firmwares: readonly FirmwareKind[];
  /** Whether it has a driver for a device that tells it that the machine was resumed from a snapshot: it then renews
   *  its random number generator. */
  readonly hasGenerationId: boolean;
}

/** Processors have fixed names, not `host`: a snapshot must be resumable. Windows 11 24H2 and Server 2025 reset at once
 *  without SSE4.2 and POPCNT, which the new models have. Without `-pcid` and the like QEMU warns when it emulates. */
const OLD_CPU = { amd: 'Opteron_G3', other: 'Nehalem' } as const;
const NEW_CPU = {
  amd: 'EPYC,-svm',
  other: 'Skylake-Client-v4,-vmx,-pcid,-tsc-deadline,-invpcid,-spec-ctrl,-xsavec,-xsaves',
} as const;

/** Interfaces of Hyper-V that make Windows faster under KVM, one by one: `hv-passthrough` and `invtsc` would forbid
 *  a snapshot. */
const HYPER_V = [
  'relaxed',
  'vapic',
  'spinlocks=0x1fff',
  'vpindex',
  'runtime',
  'synic',
  'stimer',
  'time',
  'frequencies',
  'tlbflush',
  'ipi',
]
  .map((name) => `,hv-${name}`)
  .join('');

function withHyperV({ amd, other }: CpuModels['kvm']): CpuModels['kvm'] {
  return { amd: amd + HYPER_V, other: other + HYPER_V };
}

const LEGACY = {
  family: 'pc',
  bus: 'ide',
  card: 'rtl8139',
  pointer: 'ps2',
  cpu: { kvm: OLD_CPU, emulated: OLD_CPU.other },
  firmwares: ['bios'],
  firmware: 'bios',
  memoryMiB: 512,
  cpus: 1,
  leastCpus: 1,
  diskMiB: 8192,
  usualDiskMiB: 3 * 1024,
  hasGenerationId: false,
} as const satisfies WindowsHardware;

const SEVEN = {
  ...LEGACY,
  card: 'e1000',
  pointer: 'usb-tablet',
  cpu: { kvm: withHyperV(OLD_CPU), emulated: OLD_CPU.other },
  memoryMiB: 4096,
  cpus: 2,
  diskMiB: 65_536,
  usualDiskMiB: 12 * 1024,
} as const satisfies WindowsHardware;

const EIGHT = {
  ...SEVEN,
  family: 'q35',
  bus: 'ahci',
  cpu: { kvm: withHyperV(NEW_CPU), emulated: NEW_CPU.other },
  firmwares: ['uefi', 'bios'],
  firmware: 'uefi',
} as const satisfies WindowsHardware;

const TEN = {
  ...EIGHT,
  card: 'e1000e',
  usualDiskMiB: 20 * 1024,
  hasGenerationId: true,
} as const satisfies WindowsHardware;

export const HARDWARE: Readonly<Record<WindowsKind, WindowsHardware>> = {
  'windows-xp': LEGACY,
  'windows-2003': LEGACY,
  'windows-7': SEVEN,
  'windows-2008r2': SEVEN,
  'windows-8.1': EIGHT,
  'windows-2012r2': EIGHT,
  'windows-10': TEN,
  'windows-11': { ...TEN, leastCpus: 2 },
  'windows-2016': TEN,
  'windows-2019': TEN,
  'windows-2022': TEN,
  'windows-2025': TEN,
};

/** The value changes with each start of QEMU. */
const GENERATION_ID = ['-device', 'vmgenid,guid=auto,id=vmgenid0'] as const;

/** Returns the machine of a kind without its media. */
export function windowsMachine(
  kind: WindowsKind,
  disk: DiskSource,
  link: LinkSpec,
): Omit<MachineTemplate, 'cdroms' | 'floppies' | 'boot'> {
  const { family, bus, card, pointer, cpu, hasGenerationId } = HARDWARE[kind];
  return {
    family,
    hasFirmwareConsole: true,
    cpu,
    disks: [{ id: 'disk0', bus, source: disk }],
    nics: [{ id: 'nic0', model: card, mac: '52:54:00:12:01:01', link }],
    graphics: { kind: 'vga' },
    pointer,
    disabled: ['hpet', 'vmport', 'suspend'],
    // The script of the installation tells Windows so, which expects local time.
    clock: { base: 'utc', runsBy: 'vm' },
    hasPanicDevice: false,
    extraArguments: hasGenerationId ? GENERATION_ID : [],
  };
}
