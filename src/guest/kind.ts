import type { Report } from '../events.ts';
import type { DiskSource, LinkSpec, MachineSpec } from '../vm/spec.ts';
import type { ConsoleMarker } from './console-markers.ts';

/** What the pipeline knows of a kind of guest: how it is installed, booted and talked to. Everything that differs between them is here. */
export interface GuestKind {
  /** Letters, digits, `-`. */
  readonly name: string;
  /** Who logs in over ssh. */
  readonly user: string;
  /** Where the shares are in the guest, as its shell writes it. */
  readonly shares: { readonly store: string; readonly xchg: string };
  /** Whether a guest that has booted says `ready` on its console. Of one that does, ssh is not worth a try before: each try that comes
   *  too early is work for it when it wakes. */
  readonly reportsReady: boolean;
  /** Whether a guest mounts `BootOptions.mounts`. One that does not still sees their devices. */
  readonly mountsShares: boolean;
  readonly defaults: GuestDefaults;
  /** Makes ready what an installation needs of this host, besides media with answers. May take long the first time, and asks nobody. */
  readonly prepare: (options: PrepareOptions) => Promise<InstallKit>;
  /** The machine that an installed disk runs in, for the files that `InstallKit.bootFiles` put beside it. Pure. */
  readonly bootMachine: (options: BootOptions) => MachineTemplate;
  /** Reads a line of the serial console; undefined for all that is no message of ours. */
  readonly parseMarker: (line: string) => ConsoleMarker | undefined;
  readonly commands: GuestCommands;
}

/** What a machine of this kind has unless the user wants another. */
export interface GuestDefaults {
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly diskMiB: number;
}

export interface PrepareOptions {
  readonly cacheDir: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All that an installation needs of the host. */
export interface InstallKit {
  /** Hash of everything of the host's that goes into an installed disk: part of the key of the stage. */
  readonly key: string;
  /** Files for the answer medium, by name. Pure. */
  readonly answerFiles: (answers: Answers) => ReadonlyMap<string, Uint8Array>;
  /** The machine that installs. Pure. */
  readonly installMachine: (options: InstallOptions) => MachineTemplate;
  /** Whether the guest starts again on its own while it installs; otherwise that is a failure. */
  readonly restarts: boolean;
  /** What an installed disk needs beside it in order to boot: copied under these names into the directory of the disk. */
  readonly bootFiles: readonly BootFile[];
}

export interface BootFile {
  readonly name: string;
  readonly path: string;
}

/** An archive that a guest is to install, as the repo medium has it. */
export interface ArchiveAnswer {
  /** Below the root of the medium. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string };
}

/** What an installation is told. */
export interface Answers {
  /** What the guest has to say when it is done; letters and digits. */
  readonly nonce: string;
  /** One line of an OpenSSH public key, for the user who logs in. */
  readonly authorizedKey: string;
  /** In install order. */
  readonly archives: readonly ArchiveAnswer[];
}

export interface InstallOptions {
  readonly disk: DiskSource;
  /** Image of the repo's ISO. */
  readonly repo: string;
  /** Image of the answer medium. */
  readonly answers: string;
}

export interface BootOptions {
  readonly disk: DiskSource;
  /** Where the boot files are. */
  readonly directory: string;
  readonly link: LinkSpec;
  /** Shares over 9p that the guest mounts each time it boots. */
  readonly mounts?: readonly GuestMount[];
}

/** A share over 9p that a guest mounts. */
export interface GuestMount {
  /** Letters, digits, `-`, `_`. */
  readonly tag: string;
  readonly access: MountAccess;
}

/** `overlay`: the guest sees what it may only read as if it could write; what it writes is in its memory, and ends with it. */
export type MountAccess = 'rw' | 'ro' | 'overlay';

/** The part of a machine that a guest kind decides; name, memory, CPUs, how it starts, what hardware runs it and what the user adds come
 *  from the pipeline. */
export type MachineTemplate = Omit<
  MachineSpec,
  'name' | 'machineType' | 'accelerator' | 'cpus' | 'memory' | 'start' | 'onReset' | 'shares'
>;

/** Command lines for the login shell of the guest's user, to be given to ssh as they are. They succeed or fail by exit code. */
export interface GuestCommands {
  /** Makes both shares reachable at `shares`, for good. */
  readonly connectShares: string;
  /** Makes sure that both shares answer and show what they have now: in a resumed machine their connection is dead, and what was
   *  cached is another run's. */
  readonly checkShares: string;
  /** Lets the guest write to its connected share `store`, as `overlay` does. Absent: this kind cannot. */
  readonly overlayStore?: string;
  /** Keeps a number (digits) in RAM, and nowhere on the disk. */
  readonly storeNumber: (number: string) => string;
  /** Prints that number. */
  readonly readNumber: string;
  readonly setClock: (epochMs: number) => string;
  /** Prints the guest's clock, in seconds since 1970. */
  readonly readClock: string;
  /** Stirs fresh randomness (hex digits) into the guest's: resumed machines would all draw the same numbers. */
  readonly renewEntropy: (hex: string) => string;
  /** Runs a program that the host put into the share `xchg`, in place of the shell. */
  readonly runScript: (pathInXchg: string) => string;
  /** Powers off in order; the connection ends before that. */
  readonly shutdown: string;
}

/** One command line that does one after the other and stops at the first that fails. */
export function inSequence(commands: readonly string[]): string {
  return commands.join(' && ');
}
