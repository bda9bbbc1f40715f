import { DISTRIBUTION_FAMILIES } from '../host.ts';
import type { DistributionFamily, Host, Qemu, ToolName } from '../host.ts';

/** Something that machines need of a computer, and whether it is there. */
export interface Need {
  readonly name: string;
  /** What it is for. */
  readonly purpose: string;
  readonly isMet: boolean;
  /** Whether nothing works without it; else a part does not, or works worse. */
  readonly isRequired: boolean;
  /** What was found, or why it does not do. */
  readonly found: string;
  /** What to do where no package mends it. */
  readonly advice?: string;
  /** The package that has it, by distribution. */
  readonly packages?: Packages;
}

type Packages = Readonly<Record<DistributionFamily, string>>;

/** A command line that installs packages, and whether root must run it. */
export interface Mend {
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
  readonly packages: Packages;
}

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
  ssh: {
    purpose: 'runs commands in the guest',
    isRequired: true,
    packages: { debian: 'openssh-client', fedora: 'openssh-clients', arch: 'openssh', nix: 'openssh' },
  },
  'ssh-keygen': {
    purpose: 'makes the keys for that',
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
  setpriv: {
    purpose: 'ends machines when cygstrap is killed',
    isRequired: false,
    packages: { debian: 'util-linux', fedora: 'util-linux', arch: 'util-linux', nix: 'util-linux' },
  },
};

/** What a machine for Windows takes, and what keeps its disk and memory. */
const LEAST_MEMORY_BYTES = 2 * 1024 ** 3;
const LEAST_DISK_BYTES = 10 * 1024 ** 3;

/** Compares what a computer has with what machines need. Pure; the same order always. */
export function needsOf(host: Host): Need[] {
  return [...qemuNeeds(host.qemu), ...toolNeeds(host), networkNeed(host), ...roomNeeds(host)];
}

function qemuNeeds(qemu: Qemu | undefined): Need[] {
  const basic: Need = {
    name: 'QEMU',
    purpose: 'runs machines',
    isMet: qemu !== undefined,
    isRequired: true,
    found: qemu === undefined ? 'no `qemu-system-x86_64` that answers' : `${qemu.version}, ${qemu.binary}`,
    packages: QEMU_PACKAGES,
  };
  if (qemu === undefined) return [basic];
  const feature = (name: string, purpose: string, { isMet, isRequired }: Pick<Need, 'isMet' | 'isRequired'>): Need => ({
    name,
    purpose,
    isMet,
    isRequired,
    found: isMet ? 'in this QEMU' : 'not in this QEMU',
    ...(!isMet && { advice: 'use a QEMU that was built with it' }),
  });
  return [
    basic,
    ...acceleratorNeeds(qemu),
    feature('memory images', 'snapshots that are revived within a second', {
      isMet: qemu.hasIgnoreShared,
      isRequired: true,
    }),
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
      ? { ...emulation, isMet: false, found: 'with no accelerator', advice: 'look at what QEMU says of each' }
      : { ...emulation, isMet: true, found: `by ${working.name}, tried in ${working.durationMs} ms` };
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
            ? 'needs virtualisation switched on in the firmware, and access to /dev/kvm (`sudo usermod -aG kvm $USER`); without it machines run slowly'
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

function networkNeed({ hasOwnNetworks }: Host): Need {
  return {
    name: 'own network',
    purpose: "hides the port of a guest's ssh",
    isMet: hasOwnNetworks,
    isRequired: false,
    found: hasOwnNetworks ? 'tried' : 'not to be had',
    advice:
      'needs `unshare`, `nsenter`, `ip`, `setpriv` and the right to namespaces; without it other users can reach the port, but not log in',
  };
}

function roomNeeds({ memory, disks }: Host): Need[] {
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  return [
    {
      name: 'memory',
      purpose: 'that of machines',
      isMet: memory.availableBytes >= LEAST_MEMORY_BYTES,
      isRequired: false,
      found: `${gib(memory.availableBytes)} of ${gib(memory.totalBytes)} available`,
      advice: 'give machines little memory, or end other programs',
    },
    ...disks.map(({ path, freeBytes }): Need => ({
      name: 'disk',
      purpose: 'disks and memory of machines',
      isMet: freeBytes >= LEAST_DISK_BYTES,
      isRequired: false,
      found: `${gib(freeBytes)} free in ${path}`,
      advice: 'make room there',
    })),
  ];
}

/** The command for each distribution that installs what is not there; that of this computer comes first. None where nothing that can be
 *  installed is missing. */
export function mendsFor(needs: readonly Need[], here: DistributionFamily | undefined): Mend[] {
  const lacking = needs.flatMap(({ isMet, packages }) => (isMet || packages === undefined ? [] : [packages]));
  if (lacking.length === 0) return [];
  const families = [...DISTRIBUTION_FAMILIES].sort((a, b) => Number(b === here) - Number(a === here));
  return families.map((family) => mendOf(family, [...new Set(lacking.map((packages) => packages[family]))].sort()));
}

function mendOf(family: DistributionFamily, packages: readonly string[]): Mend {
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
