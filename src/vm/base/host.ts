/** What this computer provides for running machines, as plain JSON. */
export interface Host {
  /** Architecture of the processor in Node.js terms: `x64`, `arm64`. */
  readonly architecture: string;
  /** Maker of the processor. */
  readonly cpuVendor: CpuVendor;
  readonly kernelRelease: string;
  /** Absent if QEMU is not installed or does not respond. */
  readonly qemu?: Qemu;
  /** Absent if no UEFI firmware is installed. */
  readonly firmware?: UefiFirmware;
  /** Path of each tool; undefined if it is not installed. */
  readonly tools: Readonly<Record<ToolName, string | undefined>>;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  /** Free space in the temporary directory and in requested directories. */
  readonly disks: readonly DiskSpace[];
  /** Whether machines can run in their own network namespaces, as tested by the probe. */
  readonly hasOwnNetworks: boolean;
  readonly distribution: Distribution;
}

export const CPU_VENDORS = ['intel', 'amd', 'other'] as const;

export type CpuVendor = (typeof CPU_VENDORS)[number];

/** A QEMU for x86 machines and its features. */
export interface Qemu extends QemuIdentity {
  /** All built-in accelerators, fastest first. */
  readonly accelerators: readonly AcceleratorResult[];
  /** Versioned machine types, such as `pc-q35-7.2`, sorted by name. */
  readonly machineTypes: readonly string[];
  /** Features of memory images. */
  readonly hasIgnoreShared: boolean;
  readonly hasMappedRam: boolean;
  readonly hasMultifd: boolean;
  /** Support for directories of the host as 9p shares. */
  readonly has9p: boolean;
  /** Supported network backends. */
  readonly hasUserNetwork: boolean;
  readonly hasVde: boolean;
  readonly hasStream: boolean;
}

/** UEFI firmware for machines without Secure Boot. */
export interface UefiFirmware {
  readonly code: FlashFile;
  /** The variables of a new machine, which each machine copies. */
  readonly vars: FlashFile;
}

/** The content of a flash memory. */
export interface FlashFile {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/** Identifies a QEMU program. */
export interface QemuIdentity {
  /** Absolute path with symbolic links resolved. */
  readonly binary: string;
  /** For example `7.2.22`. */
  readonly version: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The result of a test run with an accelerator; the device file alone proves nothing. */
export interface AcceleratorResult {
  readonly name: string;
  readonly works: boolean;
  /** Reason of a failure. */
  readonly why?: string;
  /** CPU model of the test run. */
  readonly cpu: string;
  readonly durationMs: number;
}

/** Every program that a command can start, besides QEMU, `/bin/sh` and `/bin/true`; `cygstrap doctor` lists them. */
export const TOOL_NAMES = [
  'qemu-img',
  'smbd',
  'pdbedit',
  'ssh',
  'ssh-keygen',
  'sshd',
  'vde_switch',
  'xorriso',
  'mtools',
  'busybox',
  'zstd',
  'setpriv',
  'swtpm',
  'bash',
  'mke2fs',
  'xz',
  'xdg-open',
  'unshare',
  'nsenter',
  'ip',
  'ldd',
  'apt-get',
  'apt-cache',
  'dpkg-deb',
  'sync',
] as const;

/** `mtools` is its program `mcopy`; `busybox` must be statically linked. */
export type ToolName = (typeof TOOL_NAMES)[number];

/** Names of the program of each tool, the preferred one first. */
export const PROGRAMS: Readonly<Record<ToolName, readonly string[]>> = {
  'qemu-img': ['qemu-img'],
  smbd: ['smbd'],
  pdbedit: ['pdbedit'],
  ssh: ['ssh'],
  'ssh-keygen': ['ssh-keygen'],
  sshd: ['sshd'],
  vde_switch: ['vde_switch'],
  xorriso: ['xorriso'],
  mtools: ['mcopy'],
  // The first that is statically linked.
  busybox: ['busybox-static', 'busybox.static', 'busybox'],
  zstd: ['zstd'],
  setpriv: ['setpriv'],
  swtpm: ['swtpm'],
  bash: ['bash'],
  mke2fs: ['mke2fs'],
  xz: ['xz'],
  'xdg-open': ['xdg-open'],
  unshare: ['unshare'],
  nsenter: ['nsenter'],
  ip: ['ip'],
  ldd: ['ldd'],
  'apt-get': ['apt-get'],
  'apt-cache': ['apt-cache'],
  'dpkg-deb': ['dpkg-deb'],
  sync: ['sync'],
};

export interface DiskSpace {
  readonly path: string;
  readonly freeBytes: number;
}

export interface Distribution {
  /** `PRETTY_NAME` of os-release, or the name of the operating system. */
  readonly name: string;
  /** Undefined for an unknown distribution. */
  readonly family: DistributionFamily | undefined;
}

export const DISTRIBUTION_FAMILIES = ['debian', 'fedora', 'arch', 'nix'] as const;

/** Distributions with the same package names; `debian` includes Ubuntu. */
export type DistributionFamily = (typeof DISTRIBUTION_FAMILIES)[number];

/** Returns whether the first three numbers of a version are at least those of another. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [version, least].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
