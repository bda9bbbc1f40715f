import type { Report } from '../events.ts';
import type { DiskSource, FirmwareKind, LinkSpec, MachineSpec } from '../vm/base/spec.ts';
import type { ConsoleMarker } from './console-markers.ts';
import type { GuestIdentity } from './identity.ts';
import type { InstallProgress } from './install-progress.ts';
import type { SetupLogs } from './setup-logs.ts';
import type { ShareNames } from './share-names.ts';
import type { SmbPolicy } from './shares.ts';
import type { GuestTimes } from './times.ts';

/** A kind of guest: how it is installed, booted and controlled. The stages know nothing else of a guest. To add a
 *  kind, write a value of this type and add it to `src/api/guest-kinds.ts`; `stand-in/kind.ts` is an example.
 *  In this file, "pure" functions return the same result for the same arguments and have no effects. */
export interface GuestKind {
  /** Identifier: letters, digits and `-`. Part of the key of every stage, and the value of `--guest`. */
  readonly name: string;
  /** A note that is printed before a guest of this kind is used, for example that it is not Windows. */
  readonly notice?: string;
  /** Returns a hint for an exit code of a command above 125, if the guest gives it a special meaning. Pure. */
  readonly exitHint?: (code: number) => string | undefined;
  /** Name of the user for ssh. */
  readonly user: string;
  /** Paths of the two shares in the guest, as its shell writes them. */
  readonly shares: { readonly store: string; readonly xchg: string };
  /** How its SMB client stores names of files in the shares. */
  readonly shareNames: ShareNames;
  /** How its SMB client connects to the shares. */
  readonly smb: SmbPolicy;
  /** Whether the guest prints the marker `ready` after it has booted. If it does, no ssh connection is tried before. */
  readonly reportsReady: boolean;
  /** Whether the guest mounts the 9p shares in {@link BootOptions.mounts}. If not, it only has their devices. */
  readonly mountsShares: boolean;
  /** All firmware that its guests can start from. */
  readonly firmwares: readonly FirmwareKind[];
  readonly defaults: GuestDefaults;
  readonly times: GuestTimes;
  /** Prepares what an installation needs besides its media, without user interaction. The first call can take minutes.
   *  Throws `usage` for a kind that is only installed from a medium of the user, GuestError `tool` if the host lacks a
   *  program, `io`, and the reason of the signal. */
  readonly prepare: (options: PrepareOptions) => Promise<InstallKit>;
  /** Returns the machine that boots an installed disk. Pure. */
  readonly bootMachine: (options: BootOptions) => MachineTemplate;
  /** Parses a line of the serial console. Returns undefined for a line that is not a marker. Pure. */
  readonly parseMarker: (line: string) => ConsoleMarker | undefined;
  readonly commands: GuestCommands;
  /** Variables that a run cannot set, in capital letters: values of another computer would break the guest. */
  readonly ownVariables: ReadonlySet<string>;
}

/** Hardware of a machine of this kind, unless the user sets other values. */
export interface GuestDefaults {
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly diskMiB: number;
  readonly firmware: FirmwareKind;
}

export interface PrepareOptions {
  /** Directory for files that are expensive to make. */
  readonly cacheDir: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an installation needs from the host. */
export interface InstallKit {
  /** Hash of all data of the host that becomes part of an installed disk. Part of the key of the stage. */
  readonly key: string;
  /** Form of the answer medium. */
  readonly answerForm: 'floppy' | 'iso';
  /** Returns the files of the answer medium, by name; on an ISO image names can contain directories. Pure. */
  readonly answerFiles: (answers: Answers) => ReadonlyMap<string, Uint8Array>;
  /** The choices of the user and what they were made from, for the record of the stage: short texts without secrets. */
  readonly description: readonly string[];
  /** What is installed, for users, if the medium has a choice. */
  readonly edition?: string;
  /** Returns the machine that runs the installation. Pure. */
  readonly installMachine: (options: InstallOptions) => MachineTemplate;
  /** The phases of the installation, and what the signs of the machine mean. */
  readonly progress: InstallProgress;
  /** Days after which an evaluation edition ends; absent for other guests. */
  readonly evaluationDays?: number | undefined;
  /** Space that the installed disk usually needs, in MiB. */
  readonly usualDiskMiB: number;
  /** Logs of the installer on the disk; absent if it leaves none. */
  readonly setupLogs?: SetupLogs;
  /** Files that an installed disk needs to boot. They are copied under these names into the directory of the disk. */
  readonly bootFiles: readonly BootFile[];
}

export interface BootFile {
  readonly name: string;
  /** Path on the host. */
  readonly path: string;
}

/** An archive on the repo medium that the guest installs. */
export interface ArchiveAnswer {
  /** Of its package. */
  readonly name: string;
  readonly version: string;
  /** Path on the medium, relative to its root. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string };
}

/** Parameters of one installation, for the answer medium. */
export interface Answers extends GuestIdentity {
  /** The guest prints this text in the marker `installed` when it has finished; letters and digits. */
  readonly nonce: string;
  /** In install order. */
  readonly archives: readonly ArchiveAnswer[];
  /** Firmware of the machine. */
  readonly firmware: FirmwareKind;
  /** Installs the archives with Cygwin's setup; undefined if the repo medium does not have it. */
  readonly setup: SetupCall | undefined;
}

/** The call of Cygwin's setup that installs exactly the archives. */
export interface SetupCall {
  /** File name in the root directory of the repo medium. */
  readonly program: string;
  /** One string for each argument; {@link REPO_DIRECTORY} stands for the root directory of the repo medium. */
  readonly arguments: readonly string[];
  readonly arch: 'x86' | 'x86_64';
  /** Number of packages that it installs. */
  readonly packages: number;
}

/** Stands for the root directory of the repo medium in the arguments of setup. */
export const REPO_DIRECTORY = '<repo>';

export interface InstallOptions {
  /** The blank disk. */
  readonly disk: DiskSource;
  /** Path of the ISO image of the repo. */
  readonly repo: string;
  /** Path of the image of the answer medium. */
  readonly answers: string;
}

export interface BootOptions {
  readonly disk: DiskSource;
  /** Directory of the boot files. */
  readonly directory: string;
  /** Network of the guest. */
  readonly link: LinkSpec;
  /** 9p shares that the guest mounts when it boots. */
  readonly mounts?: readonly GuestMount[];
}

/** A 9p share that a guest mounts. */
export interface GuestMount {
  /** Letters, digits, `-` and `_`. */
  readonly tag: string;
  readonly access: MountAccess;
}

/** `overlay`: read-only for the host; writes of the guest go to its memory and are discarded with it. */
export type MountAccess = 'rw' | 'ro' | 'overlay';

/** The part of a machine that the guest kind decides. The stages add name, memory, processors, accelerator, firmware,
 *  TPM and the options of the user. */
export interface MachineTemplate extends Omit<
  MachineSpec,
  | 'name'
  | 'machineType'
  | 'accelerator'
  | 'firmware'
  | 'tpm'
  | 'cpu'
  | 'cpus'
  | 'memory'
  | 'start'
  | 'onReset'
  | 'shares'
> {
  readonly cpu: CpuModels;
  /** Whether messages of BIOS and boot loaders are on COM1 instead of the screen. Those of UEFI always are. */
  readonly hasFirmwareConsole: boolean;
}

/** CPU models, as in `MachineSpec.cpu`. */
export interface CpuModels {
  /** For KVM on a processor of AMD, and on any other: programs of the guest can rely on the family and the features of
   *  a model that the vendor never combined. It can have the flags `hv-*`, which only KVM implements. */
  readonly kvm: { readonly amd: string; readonly other: string };
  /** For all other accelerators, above all software emulation. */
  readonly emulated: string;
}

/** Command lines for the login shell of `GuestKind.user`, passed to ssh unchanged. Exit code 0 is success. */
export interface GuestCommands {
  /** Connects both shares at the paths in `GuestKind.shares`, for the ssh connection in which it runs: every one that
   *  uses the shares starts with it. Fast if they are connected. The content is not that of an earlier connection. */
  readonly connectShares: string;
  /** Exits with 0 if a login reaches the shares by itself, so that `connectShares` has nothing to do. Absent for a
   *  guest whose logins never do. */
  readonly reachShares?: string;
  /** Returns a command that connects drive letters of Windows to shares, for the same ssh connection, after
   *  `connectShares`. Absent for a guest without drive letters.
   *  @param drives share of each letter from `A` to `Z` */
  readonly connectDrives?: (drives: ReadonlyMap<string, 'store' | 'xchg'>) => string;
  /** Makes the connected share `store` writable, as `overlay` does, for the same ssh connection. Absent if the kind
   *  does not support it. */
  readonly overlayStore?: string;
  /** Returns a command that stores a number (digits) in RAM, and not on the disk. */
  readonly storeNumber: (number: string) => string;
  /** Prints the stored number, and nothing if there is none. */
  readonly readNumber: string;
  /** Returns a command that sets the clock; milliseconds since 1970. */
  readonly setClock: (epochMs: number) => string;
  /** Prints the clock in milliseconds since 1970: one line. */
  readonly readClock: string;
  /** Returns a command that adds entropy (hexadecimal digits) to the random number generator. Absent if the guest
   *  renews it by itself when it is resumed; else all machines of one snapshot generate the same random numbers. */
  readonly renewEntropy?: (hex: string) => string;
  /** Returns a command that replaces the shell by a script in the share `xchg`. */
  readonly runScript: (pathInXchg: string) => string;
  /** Starts an orderly shutdown; the connection ends before the guest is off. */
  readonly shutdown: string;
}

/** Joins command lines: each runs after the one before it has succeeded. */
export function inSequence(commands: readonly string[]): string {
  return commands.join(' && ');
}
