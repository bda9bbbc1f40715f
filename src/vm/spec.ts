/** What a machine is made of: plain values, no effects. The same spec gives the same devices at the same places, which is what
 *  lets a memory image of one machine be revived in another. Paths are absolute. */
export interface MachineSpec {
  /** Shown in process lists and messages: letters, digits, `-`, `_`, `.`. */
  readonly name: string;
  /** Chipset; the versioned type, such as `pc-i440fx-7.2`, is the newest that the host has, unless `machineType` names one. */
  readonly family: MachineFamily;
  /** A versioned type that a memory image was made with. */
  readonly machineType?: string;
  /** How instructions are run; absent: the fastest that the probe saw working. */
  readonly accelerator?: string;
  /** QEMU's name of a CPU model, with flags if any, such as `qemu64` or `qemu64,+ssse3`. */
  readonly cpu: string;
  readonly cpus: number;
  readonly memory: MemorySpec;
  /** Hard disks, first the one to boot from. */
  readonly disks: readonly DiskSpec[];
  /** CD images, read-only; they come after the disks on the same bus as they: IDE on `pc`, AHCI on `q35`. At the most two disks
   *  and drives together on each IDE channel, four in all; six on AHCI. */
  readonly cdroms: readonly MediumSpec[];
  /** Floppy images, read-only, at the most two. */
  readonly floppies: readonly MediumSpec[];
  readonly boot: BootSpec;
  readonly nics: readonly NicSpec[];
  /** Directories of the host that the guest may mount over 9p. A machine with a mounted one cannot be saved. */
  readonly shares: readonly ShareSpec[];
  readonly graphics: GraphicsSpec;
  /** `ps2` is always there; a tablet has absolute positions, as VNC wants. */
  readonly pointer: 'ps2' | 'usb-tablet';
  readonly clock: ClockSpec;
  /** `paused`: does nothing until QMP says `cont`. `incoming`: is paused and waits for a memory image. */
  readonly start: 'running' | 'paused' | 'incoming';
  /** What a guest that resets itself gets: a reset, or the end of the machine (`-no-reboot`). */
  readonly onReset: 'reset' | 'exit';
  /** Whether the guest can tell of a panic of its kernel (pvpanic). */
  readonly hasPanicDevice: boolean;
  /** Words for QEMU that the user gave, put last as they are. */
  readonly extraArguments: readonly string[];
}

export type MachineFamily = 'pc' | 'q35';

export interface MemorySpec {
  readonly sizeMiB: number;
  readonly backing: MemoryBacking;
}

/** `file`: RAM is a mapping of that file, which has exactly that size or is made. Shared, what the guest writes is in the file, and
 *  the file is left out of a memory image; else the guest's writes are its own (copy on write). */
export type MemoryBacking =
  { readonly kind: 'private' } | { readonly kind: 'file'; readonly path: string; readonly isShared: boolean };

export interface DiskSpec {
  /** Unique in the machine: letters, digits, `-`, `_`, `.`, beginning with a letter. Names the device and its drive. */
  readonly id: string;
  readonly bus: DiskBus;
  readonly source: DiskSource;
}

/** `ide` is for `pc` alone, `ahci` for both. */
export type DiskBus = 'ide' | 'ahci' | 'virtio';

export type DiskSource =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: DiskFormat;
      /** `persistent`: the guest's writes are in the file. `throw-away`: they are in a layer of QEMU that ends with the machine; the
       *  file is only read. `read-only`: the guest may not write (not on IDE, nor AHCI). */
      readonly writes: 'persistent' | 'throw-away' | 'read-only';
    }
  /** An empty raw disk that ends with the machine. */
  | { readonly kind: 'empty'; readonly sizeMiB: number };

export type DiskFormat = 'qcow2' | 'raw';

/** A raw image of a CD or floppy. */
export interface MediumSpec {
  readonly id: string;
  readonly path: string;
}

export type BootSpec =
  /** The boot loader of the first disk; with a menu, which waits for a key, on graphics. */
  | { readonly kind: 'disk'; readonly hasMenu?: boolean }
  /** The first CD; after a reset the first disk. */
  | { readonly kind: 'cdrom-once' }
  /** A Linux kernel from the host. */
  | { readonly kind: 'kernel'; readonly kernel: string; readonly initrd?: string; readonly append: string };

export interface NicSpec {
  readonly id: string;
  readonly model: NicModel;
  /** Six bytes, `52:54:00:12:01:01`. */
  readonly mac: string;
  readonly link: LinkSpec;
}

export type NicModel = 'e1000' | 'e1000e' | 'virtio-net-pci';

/** What a network card is plugged into; none of them leads out to a network. */
export type LinkSpec =
  /** Nothing answers. */
  | { readonly kind: 'none' }
  /** QEMU's own user network, restricted: connections to 192.168.0.2:445 each run `smbdCommand` with the connection as its stdin and
   *  stdout; a loopback port of the host leads to ssh of the guest (192.168.0.1:22). `any`: startMachine picks a free one. `within`: words before QEMU's command line that put it
   *  into a network of its own (`OwnNetwork`), with that port in it. */
  | {
      readonly kind: 'direct';
      readonly smbdCommand: readonly string[];
      readonly sshPort: number | 'any';
      readonly within?: readonly string[];
    }
  /** A vde_switch, by its directory. */
  | { readonly kind: 'vde'; readonly directory: string }
  /** A unix socket to one other machine. The server's machine has to be started first. */
  | { readonly kind: 'stream'; readonly path: string; readonly isServer: boolean };

export interface ShareSpec {
  readonly id: string;
  /** What the guest mounts: `mount -t 9p -o trans=virtio TAG DIR`. */
  readonly tag: string;
  readonly path: string;
  readonly isReadonly: boolean;
}

export type GraphicsSpec =
  /** No graphics adapter: the serial console is all there is, and no screenshots. */
  | { readonly kind: 'none' }
  /** A standard VGA that nobody looks at, except in screenshots. */
  | { readonly kind: 'vga' }
  /** The same, shown by VNC on a unix socket. */
  | { readonly kind: 'vnc'; readonly path: string };

export interface ClockSpec {
  /** What the hardware clock shows at start: the host's time, or a date such as `2010-01-01T00:00:00`. */
  readonly base: 'utc' | 'localtime' | `${number}-${number}-${number}${string}`;
  /** `vm`: stands still while the machine does, and goes on where it stood when revived. */
  readonly runsBy: 'vm' | 'host';
}
