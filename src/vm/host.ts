/** What this computer has for running machines, as one plain JSON value: it can be kept and compared. */
export interface Host {
  /** Of the processor, as Node names it: `x64`, `arm64`. */
  readonly architecture: string;
  readonly kernelRelease: string;
  /** Absent where QEMU is not installed or does not answer. */
  readonly qemu?: Qemu;
  /** Path of each tool, or undefined where there is none. */
  readonly tools: Readonly<Record<ToolName, string | undefined>>;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  /** Free space where temporary files and sockets of machines go, and where the user asked for. */
  readonly disks: readonly DiskSpace[];
  /** Whether a machine may have a network of its own, when that was tried. */
  readonly hasOwnNetworks: boolean;
  readonly distribution: Distribution;
}

/** A QEMU for x86 machines, and what it can do. */
export interface Qemu extends QemuIdentity {
  /** Every one that is built in, fastest first. */
  readonly accelerators: readonly AcceleratorVerdict[];
  /** Versioned machine types, such as `pc-q35-7.2`, sorted by name. */
  readonly machineTypes: readonly string[];
  /** Of memory images. */
  readonly hasIgnoreShared: boolean;
  readonly hasMappedRam: boolean;
  readonly hasMultifd: boolean;
  /** Directories of the host as 9p shares. */
  readonly has9p: boolean;
  /** Links of network cards. */
  readonly hasUserNetwork: boolean;
  readonly hasVde: boolean;
  readonly hasStream: boolean;
}

/** Which QEMU it is; the same identity is the same program. */
export interface QemuIdentity {
  /** Absolute, links followed. */
  readonly binary: string;
  /** Such as `7.2.22`. */
  readonly version: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Whether an accelerator runs guests; a device file alone says nothing. */
export interface AcceleratorVerdict {
  readonly name: string;
  readonly works: boolean;
  /** Why not. */
  readonly why?: string;
  /** Of the CPU that it was tried with. */
  readonly cpu: string;
  readonly durationMs: number;
}

export const TOOL_NAMES = [
  'qemu-img',
  'smbd',
  'ssh',
  'ssh-keygen',
  'sshd',
  'vde_switch',
  'xorriso',
  'mtools',
  'busybox',
  'zstd',
  'setpriv',
] as const;

/** `mtools` stands for its `mcopy`, `busybox` for a static one. */
export type ToolName = (typeof TOOL_NAMES)[number];

export interface DiskSpace {
  readonly path: string;
  readonly freeBytes: number;
}

export interface Distribution {
  /** `PRETTY_NAME` of os-release, or the name of the system. */
  readonly name: string;
  /** Whose packages it has; undefined: none that we know. */
  readonly family: DistributionFamily | undefined;
}

export const DISTRIBUTION_FAMILIES = ['debian', 'fedora', 'arch', 'nix'] as const;

/** Those with the same packages: `debian` stands for Ubuntu too. */
export type DistributionFamily = (typeof DISTRIBUTION_FAMILIES)[number];

/** Orders versions by their first three numbers, and tells whether one is at least another. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [version, least].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
