import type { RunCommand } from '../guest/ssh-run.ts';
import type { Machine } from '../vm/machine.ts';
import type { LinkSpec } from '../vm/spec.ts';

/** Ways to plug in a guest, which it cannot tell apart. `direct`: QEMU's own user network. The others put a second machine, the controller,
 *  beside it: on a `vde` switch, or at the other end of a `stream` socket. */
export const TOPOLOGIES = ['direct', 'vde', 'stream'] as const;

export type TopologyName = (typeof TOPOLOGIES)[number];

/** Directories of the host that a guest sees. */
export interface SharedDirectories {
  /** Read-only. */
  readonly store: string;
  readonly xchg: string;
}

export interface AttachmentOptions {
  readonly shares: SharedDirectories;
  /** Of the run: short, private and its own. */
  readonly directory: string;
  /** Directory of the installed disk, which the keys lie beside. */
  readonly installed: string;
  /** The user's words for QEMU. They may mean the network of this computer: with any, a machine gets none of its own. */
  readonly qemuArguments: readonly string[];
}

/** What a guest is plugged into, made before its machine, for that one alone. Disposing of it ends all that it started; then another may be made
 *  in its directory. */
export interface NetworkAttachment extends AsyncDisposable {
  /** For the guest's card. */
  readonly link: LinkSpec;
  /** The way to the guest in the machine that was started with that link. */
  readonly shellOf: (guest: Machine) => GuestShell;
}

/** The way to the shell of a guest. All of it throws VmError as soon as the guest, or what it is plugged into, ends. */
export interface GuestShell {
  /** Waits until the guest can be spoken to; of one that boots, until it lets us in. Throws GuestError `guest` when that takes too long. */
  readonly waitUntilReady: (options: {
    readonly isBooting: boolean;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }) => Promise<void>;
  readonly run: RunCommand;
  /** Gives the user's terminal to a shell of the guest, and its exit code, or null when it was killed. Throws the reason of the signal.
   *  Only `direct` can. */
  readonly interactive?: (options: { readonly signal: AbortSignal }) => Promise<number | null>;
}
