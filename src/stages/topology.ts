import type { RunCommand } from '../guest/ssh-run.ts';
import type { Machine } from '../vm/machine.ts';
import type { LinkSpec } from '../vm/base/spec.ts';

/** Ways to connect a guest. The guest has the same network in all of them. `direct`: the user network of QEMU.
 *  `vde`, `stream`: a second machine, the controller, connected by a vde switch or by a socket. */
export const TOPOLOGIES = ['direct', 'vde', 'stream'] as const;

export type TopologyName = (typeof TOPOLOGIES)[number];

/** Directories of the host that are shared with a guest. */
export interface SharedDirectories {
  /** Read-only. */
  readonly store: string;
  readonly xchg: string;
}

export interface AttachmentOptions {
  readonly shares: SharedDirectories;
  /** Directory of the run: private, with a short path. */
  readonly directory: string;
  /** Directory of the installed disk and its ssh keys. */
  readonly installed: string;
  /** QEMU arguments of the user. They can refer to the network of this computer, so a machine with such arguments is
   *  not started in a separate network namespace. */
  readonly qemuArguments: readonly string[];
}

/** The network of one guest, created before its machine. Disposing ends everything that it started; after that,
 *  another attachment can be created in the same directory. */
export interface NetworkAttachment extends AsyncDisposable {
  /** Link for the network card of the guest. */
  readonly link: LinkSpec;
  /** Returns the shell of the guest in the machine that was started with the link. */
  readonly shellOf: (guest: Machine) => GuestShell;
}

export interface ReadyOptions {
  /** Longest duration of the boot; undefined for a resumed guest. */
  readonly bootTimeoutMs?: number;
  readonly signal: AbortSignal;
}

/** The shell of a guest. All functions throw VmError as soon as the machine or its attachment ends. */
export interface GuestShell {
  /** Waits until commands can be run; for a booting guest, until ssh logs in. Throws GuestError `guest` if the boot
   *  takes too long. */
  readonly waitUntilReady: (options: ReadyOptions) => Promise<void>;
  readonly run: RunCommand;
  /** Connects the terminal of the user to a command in the guest. Returns its exit code, or null if it was killed.
   *  Throws the reason of the signal. Only topology `direct` has it. */
  readonly interactive?: (command: string, options: { readonly signal: AbortSignal }) => Promise<number | null>;
}
