import { bootMachine } from '../stages/boot.ts';
import type { InstalledManifest, MachineOptions } from '../stages/manifest.ts';
import type { MachineExit } from '../vm/machine.ts';
import { contextOf, prepareVm } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';
import { findInstalled } from './vm-find.ts';

/** A directory that is shared with the guest. */
export interface VmBootShare {
  /** Letters, digits, `-` and `_`. */
  readonly tag: string;
  readonly path: string;
  /** `overlay`: read-only for this computer; writes of the guest are discarded with it. */
  readonly access: 'rw' | 'ro' | 'overlay';
}

export interface VmBootRequest {
  /** Result of `installVm` or `findInstalled`; by default the newest installed disk. */
  readonly installed?: InstalledManifest | undefined;
  /** Options that replace those of the installation. */
  readonly machineOptions?: Partial<Omit<MachineOptions, 'diskMiB' | 'firmware' | 'tpm'>> | undefined;
  /** File for the writes of the guest to its disk, kept for the next boot. By default they are discarded. */
  readonly diskFile?: string | undefined;
  /** Directories for the shares `store` (read-only) and `xchg`; by default empty ones. */
  readonly store?: string | undefined;
  readonly xchg?: string | undefined;
  /** Further directories, over 9p; by default none. */
  readonly shares?: readonly VmBootShare[] | undefined;
  /** Directories of running vde switches; the guest has a further network card for each. By default none. */
  readonly switches?: readonly string[] | undefined;
}

export interface VmBootHooks {
  /** Receives each line of the guest's console. Default: it is dropped. */
  readonly onLine?: ((line: string) => Promise<void>) | undefined;
  /** Receives the command line of ssh for this machine, if its guest kind has one, quoted for a POSIX shell. */
  readonly onSsh?: ((commandLine: string) => void) | undefined;
  /** Aborting it shuts the guest down: by ssh, or by the power button. Aborting the signal of the context ends the
   *  machine at once. Default: none. */
  readonly shutdown?: AbortSignal | undefined;
}

/** Boots an installed disk and waits until the guest powers off. The installed disk is not changed. Throws VmError,
 *  `usage` for an overlay that the guest kind does not support, and the reason of the signal. */
export async function bootVm(
  { installed: given, machineOptions = {}, shares = [], switches = [], ...directories }: VmBootRequest = {},
  context?: VmContext,
  { onLine = async () => {}, onSsh = () => {}, shutdown = new AbortController().signal }: VmBootHooks = {},
): Promise<MachineExit> {
  context ??= await prepareVm();
  const installed = given ?? (await findInstalled(undefined, context));
  const request = { ...directories, installed, machineOptions, shares, switches };
  return bootMachine(contextOf(context, installed), request, { onLine, onSsh, shutdown });
}
