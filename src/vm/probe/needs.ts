import { DISTRIBUTION_FAMILIES } from '../base/host.ts';
import type { DistributionFamily, Host, Qemu, ToolName } from '../base/host.ts';

/** A requirement of machines, and whether this computer meets it. */
export interface Need {
  readonly name: string;
  /** Purpose, for a table. */
  readonly purpose: string;
  readonly isMet: boolean;
  /** Nothing works without a required one; without another, a part is missing or slower. */
  readonly isRequired: boolean;
  /** What was found, or the reason of a failure. */
  readonly found: string;
  /** A measure that is not the installation of a package. */
  readonly advice?: string;
  /** Names of the package that contains it, by distribution. */
  readonly packages?: Readonly<Record<DistributionFamily, string>>;
}

type Packages = Readonly<Record<DistributionFamily, string>>;

/** A command line that installs packages, and whether it must run as root. */
export interface InstallCommand {
  readonly family: DistributionFamily;
  readonly argv: readonly string[];
  readonly needsRoot: boolean;
}

const QEMU_PACKAGES: Packages = {
  debian: 'qemu-system-x86',
  fedora: 'qemu-system-x86-core',
  arch: 'qemu-system-x86',
  nix: 'qemu',
};

interface ToolNeed {
  readonly purpose: string;
  readonly isRequired: boolean;
  /** Absent for a program that only some distributions have, always. */
  readonly packages?: Packages;
  readonly advice?: string;
}

const UTIL_LINUX: Packages = { debian: 'util-linux', fedora: 'util-linux', arch: 'util-linux', nix: 'util-linux' };

const KERNEL_PURPOSE = 'downloads a kernel for the Linux guests';

const TOOL_NEEDS: Readonly<Record<ToolName, ToolNeed>> = {
  'qemu-img': {
    purpose: 'makes disks',
    isRequired: true,
    packages: { debian: 'qemu-utils', fedora: 'qemu-img', arch: 'qemu-img', nix: 'qemu' },
  },
  smbd: {
    purpose: 'serves directories to the guest',
    isRequired: true,
    packages: { debian: 'samba', fedora: 'samba', arch: 'samba', nix: 'samba' },
  },
  pdbedit: {
    purpose: 'makes the user of the shares',
    isRequired: true,
    packages: { debian: 'samba', fedora: 'samba-common-tools', arch: 'samba', nix: 'samba' },
  },
  ssh: {
    purpose: 'runs commands in the guest',
    isRequired: true,
    packages: { debian: 'openssh-client', fedora: 'openssh-clients', arch: 'openssh', nix: 'openssh' },
  },
  'ssh-keygen': {
    purpose: 'creates the keys for ssh',
    isRequired: true,
    packages: { debian: 'openssh-client', fedora: 'openssh', arch: 'openssh', nix: 'openssh' },
  },
  xorriso: {
    purpose: 'makes CD images',
    isRequired: true,
    packages: { debian: 'xorriso', fedora: 'xorriso', arch: 'libisoburn', nix: 'xorriso' },
  },
  mtools: {
    purpose: 'makes floppy images',
    isRequired: true,
    packages: { debian: 'mtools', fedora: 'mtools', arch: 'mtools', nix: 'mtools' },
  },
  busybox: {
    purpose: 'the Linux guests: stand-in, controller',
    isRequired: false,
    packages: { debian: 'busybox-static', fedora: 'busybox', arch: 'busybox', nix: 'pkgsStatic.busybox' },
  },
  sshd: {
    purpose: 'the stand-in',
    isRequired: false,
    packages: { debian: 'openssh-server', fedora: 'openssh-server', arch: 'openssh', nix: 'openssh' },
  },
  vde_switch: {
    purpose: 'the switch between guest and controller',
    isRequired: false,
    packages: { debian: 'vde2', fedora: 'vde2', arch: 'vde2', nix: 'vde2' },
  },
  zstd: {
    purpose: 'snapshots in one small file',
    isRequired: false,
    packages: { debian: 'zstd', fedora: 'zstd', arch: 'zstd', nix: 'zstd' },
  },
  setpriv: { purpose: 'ends machines when cygstrap is killed', isRequired: false, packages: UTIL_LINUX },
  swtpm: {
    purpose: 'the TPM of machines with --tpm',
    isRequired: false,
    packages: { debian: 'swtpm', fedora: 'swtpm', arch: 'swtpm', nix: 'swtpm' },
  },
  bash: {
    purpose: 'the stand-in; install --check',
    isRequired: false,
    packages: { debian: 'bash', fedora: 'bash', arch: 'bash', nix: 'bash' },
  },
  mke2fs: {
    purpose: 'the disk of the stand-in',
    isRequired: false,
    packages: { debian: 'e2fsprogs', fedora: 'e2fsprogs', arch: 'e2fsprogs', nix: 'e2fsprogs' },
  },
  xz: {
    purpose: 'reads large indexes faster; the Linux guests',
    isRequired: false,
    packages: { debian: 'xz-utils', fedora: 'xz', arch: 'xz', nix: 'xz' },
  },
  'xdg-open': {
    purpose: 'opens pages in the browser',
    isRequired: false,
    packages: { debian: 'xdg-utils', fedora: 'xdg-utils', arch: 'xdg-utils', nix: 'xdg-utils' },
  },
  unshare: { purpose: 'own network of a machine', isRequired: false, packages: UTIL_LINUX },
  nsenter: { purpose: 'own network of a machine', isRequired: false, packages: UTIL_LINUX },
  ip: {
    purpose: 'own network of a machine',
    isRequired: false,
    packages: { debian: 'iproute2', fedora: 'iproute', arch: 'iproute2', nix: 'iproute2' },
  },
  ldd: {
    purpose: 'finds libraries for the Linux guests',
    isRequired: false,
    packages: { debian: 'libc-bin', fedora: 'glibc-common', arch: 'glibc', nix: 'glibc.bin' },
  },
  'apt-get': {
    purpose: KERNEL_PURPOSE,
    isRequired: false,
    advice:
      'only Debian and Ubuntu have it, `apt-cache` and `dpkg-deb`; on other systems the Linux guests need a kernel ' +
      'that is readable (`chmod a+r /boot/vmlinuz-*`)',
  },
  'apt-cache': { purpose: KERNEL_PURPOSE, isRequired: false },
  'dpkg-deb': { purpose: KERNEL_PURPOSE, isRequired: false },
  sync: {
    purpose: 'makes repos durable faster',
    isRequired: false,
    packages: { debian: 'coreutils', fedora: 'coreutils', arch: 'coreutils', nix: 'coreutils' },
  },
};

/** Memory and disk space for a Windows machine with its snapshots. */
const LEAST_MEMORY_BYTES = 2 * 1024 ** 3;
const LEAST_DISK_BYTES = 10 * 1024 ** 3;

/** Compares a computer with the requirements of machines. Pure; fixed order. */
export function needsOf(host: Host): Need[] {
  return [...qemuNeeds(host.qemu), ...toolNeeds(host), firmwareNeed(host), networkNeed(host), ...spaceNeeds(host)];
}

function qemuNeeds(qemu: Qemu | undefined): Need[] {
  const basic: Need = {
    name: 'QEMU',
    purpose: 'runs machines',
    isMet: qemu !== undefined,
    isRequired: true,
    found: qemu === undefined ? 'no working `qemu-system-x86_64`' : `${qemu.version}, ${qemu.binary}`,
    packages: QEMU_PACKAGES,
  };
  if (qemu === undefined) return [basic];
  const feature = (name: string, purpose: string, { isMet, isRequired }: Pick<Need, 'isMet' | 'isRequired'>): Need => ({
    name,
    purpose,
    isMet,
    isRequired,
    found: isMet ? 'in this QEMU' : 'not in this QEMU',
    ...(!isMet && { advice: 'use a QEMU built with it' }),
  });
  return [
    basic,
    ...acceleratorNeeds(qemu),
    feature('memory images', 'snapshots that start within a second', { isMet: qemu.hasIgnoreShared, isRequired: true }),
    feature('user network', 'a guest without a controller', { isMet: qemu.hasUserNetwork, isRequired: true }),
    feature('9p', 'what the controller serves', { isMet: qemu.has9p, isRequired: false }),
    feature('vde', 'guest and controller on a switch', { isMet: qemu.hasVde, isRequired: false }),
    feature('stream', 'guest and controller without a switch', { isMet: qemu.hasStream, isRequired: false }),
  ];
}

function acceleratorNeeds({ accelerators }: Qemu): Need[] {
  const [working] = accelerators.filter(({ works }) => works);
  const emulation = { name: 'guests run', purpose: 'every machine', isRequired: true };
  const running: Need =
    working === undefined
      ? { ...emulation, isMet: false, found: 'with no accelerator', advice: 'see the reason for each accelerator' }
      : { ...emulation, isMet: true, found: `with ${working.name}, tested in ${working.durationMs} ms` };
  const hardware = accelerators.filter(({ name }) => name !== 'tcg');
  return [
    running,
    ...hardware.map(({ name, works, why = '' }): Need => ({
      name,
      purpose: 'machines at full speed',
      isMet: works,
      isRequired: false,
      found: works ? 'runs guests' : why,
      ...(!works && {
        advice:
          name === 'kvm'
            ? 'needs virtualization enabled in the firmware, and access to /dev/kvm ' +
              '(`sudo usermod -aG kvm $USER`); without it machines run slowly'
            : 'without it machines run slowly',
      }),
    })),
  ];
}

function toolNeeds({ tools }: Host): Need[] {
  return (Object.entries(TOOL_NEEDS) as [ToolName, ToolNeed][]).map(([name, need]) => ({
    name,
    isMet: tools[name] !== undefined,
    found: tools[name] ?? 'not found',
    ...need,
  }));
}

function firmwareNeed({ firmware }: Host): Need {
  return {
    name: 'UEFI firmware',
    purpose: 'machines for Windows 8.1 and later',
    isMet: firmware !== undefined,
    isRequired: false,
    found: firmware?.code.path ?? 'not found',
    packages: { debian: 'ovmf', fedora: 'edk2-ovmf', arch: 'edk2-ovmf', nix: 'OVMF' },
  };
}

function networkNeed({ hasOwnNetworks }: Host): Need {
  return {
    name: 'own network',
    purpose: "hides the port of a guest's ssh",
    isMet: hasOwnNetworks,
    isRequired: false,
    found: hasOwnNetworks ? 'tested' : 'unavailable',
    advice:
      'needs `unshare`, `nsenter`, `ip`, `setpriv` and permission to create namespaces; ' +
      'without it other users can reach the port, but not log in',
  };
}

function spaceNeeds({ memory, disks }: Host): Need[] {
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  return [
    {
      name: 'memory',
      purpose: 'memory of machines',
      isMet: memory.availableBytes >= LEAST_MEMORY_BYTES,
      isRequired: false,
      found: `${gib(memory.availableBytes)} of ${gib(memory.totalBytes)} available`,
      advice: 'use less memory for machines, or end other programs',
    },
    ...disks.map(({ path, freeBytes }): Need => ({
      name: 'disk',
      purpose: 'disks and memory of machines',
      isMet: freeBytes >= LEAST_DISK_BYTES,
      isRequired: false,
      found: `${gib(freeBytes)} free in ${path}`,
      advice: 'free some space there',
    })),
  ];
}

/** Returns the command that installs all missing packages, for each distribution; that of this computer first.
 *  Empty if no package is missing. */
export function installCommands(needs: readonly Need[], here: DistributionFamily | undefined): InstallCommand[] {
  const missing = needs.flatMap(({ isMet, packages }) => (isMet || packages === undefined ? [] : [packages]));
  if (missing.length === 0) return [];
  const families = [...DISTRIBUTION_FAMILIES].sort((a, b) => Number(b === here) - Number(a === here));
  return families.map((family) =>
    installCommandOf(family, [...new Set(missing.map((packages) => packages[family]))].sort()),
  );
}

function installCommandOf(family: DistributionFamily, packages: readonly string[]): InstallCommand {
  switch (family) {
    case 'debian':
      return { family, needsRoot: true, argv: ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages] };
    case 'fedora':
      return { family, needsRoot: true, argv: ['dnf', 'install', '--assumeyes', ...packages] };
    case 'arch':
      return { family, needsRoot: true, argv: ['pacman', '-S', '--needed', '--noconfirm', ...packages] };
    case 'nix':
      return {
        family,
        needsRoot: false,
        argv: ['nix', 'profile', 'install', ...packages.map((name) => `nixpkgs#${name}`)],
      };
    default:
      return family satisfies never;
  }
}
