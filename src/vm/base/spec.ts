import type { FlashFile } from './host.ts';

/** Describes a machine by plain values. The same spec gives the same devices at the same addresses, so that a
 *  memory image of one machine can be loaded by another. Paths are absolute. */
export interface MachineSpec {
  /** Shown in process lists and messages: letters, digits, `-`, `_`, `.`. */
  readonly name: string;
  /** Chipset. The newest versioned type of the host is used unless `machineType` names one. */
  readonly family: MachineFamily;
  /** The versioned type that a memory image was made with. */
  readonly machineType?: string;
  /** QEMU's name of an accelerator. Default: the fastest one that works. */
  readonly accelerator?: string;
  /** Parts of the chipset that this machine lacks. Default: none. */
  readonly disabled?: readonly ChipsetPart[];
  readonly firmware: FirmwareSpec;
  /** Default: none. */
  readonly tpm?: TpmSpec;
  /** QEMU's name of a CPU model, optionally with flags: `qemu64`, `qemu64,+ssse3`. */
  readonly cpu: string;
  readonly cpus: number;
  readonly memory: MemorySpec;
  /** Hard disks; the machine boots from the first. */
  readonly disks: readonly DiskSpec[];
  /** CD images, read-only, on IDE (`pc`) or AHCI (`q35`), after the disks of that bus. IDE has room for four disks
   *  and CDs in all, AHCI for six. */
  readonly cdroms: readonly MediumSpec[];
  /** Floppy images, read-only, at most two. */
  readonly floppies: readonly MediumSpec[];
  readonly boot: BootSpec;
  readonly nics: readonly NicSpec[];
  /** Directories of the host that the guest can mount over 9p. A machine cannot be saved while one is mounted. */
  readonly shares: readonly ShareSpec[];
  readonly graphics: GraphicsSpec;
  /** A PS/2 mouse is always present; a tablet has absolute positions, which VNC needs. */
  readonly pointer: 'ps2' | 'usb-tablet';
  readonly clock: ClockSpec;
  /** `paused` waits for the QMP command `cont`; `incoming` is paused and waits for a memory image. */
  readonly start: 'running' | 'paused' | 'incoming';
  /** What happens when the guest resets: a reset, or the end of the machine (`-no-reboot`). */
  readonly onReset: 'reset' | 'exit';
  /** Whether the guest can report a kernel panic (pvpanic). */
  readonly hasPanicDevice: boolean;
  /** QEMU arguments of the user, added last without changes. */
  readonly extraArguments: readonly string[];
}

export type MachineFamily = 'pc' | 'q35';

/** `hpet`: the high precision event timer. `vmport`: the port of VMware's guest tools. `suspend`: the sleep states S3
 *  and S4, in which an unattended guest would stay. */
export type ChipsetPart = 'hpet' | 'vmport' | 'suspend';

/** `bios`: SeaBIOS of QEMU; with `hasConsole` its messages, and those of boot loaders, are on COM1 instead of the
 *  screen. `uefi`: flash memory with code and with the variables of this machine, which are qcow2 so that a machine
 *  can be saved; its messages are on COM1, too. */
export type FirmwareSpec =
  | { readonly kind: 'bios'; readonly hasConsole?: boolean }
  | {
      readonly kind: 'uefi';
      readonly code: FlashFile;
      /** Path of the variables. */
      readonly vars: string;
    };

export const FIRMWARE_KINDS = ['bios', 'uefi'] as const satisfies readonly FirmwareSpec['kind'][];

export type FirmwareKind = (typeof FIRMWARE_KINDS)[number];

/** A TPM 2.0, emulated by `swtpm`. */
export interface TpmSpec {
  /** Directory of its state, the file `tpm2-00.permall`, which is created if it is missing. */
  readonly stateDirectory: string;
}

export interface MemorySpec {
  readonly sizeMiB: number;
  readonly backing: MemoryBacking;
}

/** `file`: RAM is a mapping of the file, which has exactly this size or is created. If shared, the guest's writes
 *  go to the file, and memory images omit it; otherwise the mapping is copy-on-write. */
export type MemoryBacking =
  { readonly kind: 'private' } | { readonly kind: 'file'; readonly path: string; readonly isShared: boolean };

export interface DiskSpec {
  /** Names the device and its drive. Unique in the machine: a letter, then letters, digits, `-`, `_`, `.`. */
  readonly id: string;
  readonly bus: DiskBus;
  readonly source: DiskSource;
}

/** `ide` requires family `pc`. */
export type DiskBus = 'ide' | 'ahci' | 'virtio';

export type DiskSource =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: DiskFormat;
      /** `persistent`: writes go to the file. `throw-away`: writes go to a temporary layer of QEMU that ends with
       *  the machine. `read-only`: the guest cannot write (`virtio` only). */
      readonly writes: 'persistent' | 'throw-away' | 'read-only';
    }
  /** An empty raw disk that is removed with the machine. */
  | { readonly kind: 'empty'; readonly sizeMiB: number };

export type DiskFormat = 'qcow2' | 'raw';

/** A raw image of a CD or floppy. */
export interface MediumSpec {
  readonly id: string;
  readonly path: string;
}

export type BootSpec =
  /** The boot loader of the first disk; with a boot menu, which waits for a key, if `hasMenu`. */
  | { readonly kind: 'disk'; readonly hasMenu?: boolean }
  /** The first disk if it has a boot loader, otherwise the first CD: any number of restarts stay right. */
  | { readonly kind: 'disk-then-cdrom' }
  /** A Linux kernel from the host. */
  | { readonly kind: 'kernel'; readonly kernel: string; readonly initrd?: string; readonly append: string };

export interface NicSpec {
  readonly id: string;
  readonly model: NicModel;
  /** Six bytes: `52:54:00:12:01:01`. */
  readonly mac: string;
  readonly link: LinkSpec;
}

export type NicModel = 'e1000' | 'e1000e' | 'pcnet' | 'rtl8139' | 'virtio-net-pci';

/** The network backend of a card. None of them reaches an outside network. */
export type LinkSpec =
  /** Plugged into nothing. */
  | { readonly kind: 'none' }
  /** QEMU's user network, restricted. Each connection to 192.168.0.2:445 runs `smbdCommand` with the connection as
   *  stdin and stdout. A loopback port of the host is forwarded to ssh of the guest (192.168.0.1:22); for `any`,
   *  startMachine chooses a free port. `within`: words before QEMU's command line that run it in a network
   *  namespace (`OwnNetwork`), which then contains that port. */
  | {
      readonly kind: 'direct';
      readonly smbdCommand: readonly string[];
      readonly sshPort: number | 'any';
      readonly within?: readonly string[];
    }
  /** A vde_switch; the path is its directory. */
  | { readonly kind: 'vde'; readonly directory: string }
  /** A Unix socket to one other machine. Start the machine with the server first. */
  | { readonly kind: 'stream'; readonly path: string; readonly isServer: boolean };

export interface ShareSpec {
  readonly id: string;
  /** The guest mounts it by this tag: `mount -t 9p -o trans=virtio TAG DIR`. */
  readonly tag: string;
  readonly path: string;
  readonly isReadonly: boolean;
}

export type GraphicsSpec =
  /** No graphics adapter, only the serial console; no screenshots. */
  | { readonly kind: 'none' }
  /** A standard VGA adapter, shown by VNC on a Unix socket (`MachineFiles.vnc`); screenshots work. */
  | { readonly kind: 'vga' };

export interface ClockSpec {
  /** Time of the hardware clock at start: the host's time, or a date such as `2010-01-01T00:00:00`. */
  readonly base: 'utc' | 'localtime' | `${number}-${number}-${number}${string}`;
  /** `vm`: the clock stops while the machine is stopped or saved. */
  readonly runsBy: 'vm' | 'host';
}
