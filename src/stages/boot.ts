import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { GuestMount } from '../guest/kind.ts';
import { sshArgv } from '../guest/ssh.ts';
import type { MachineExit } from '../vm/machine.ts';
import type { NicSpec, ShareSpec } from '../vm/base/spec.ts';
import type { StageContext } from './context.ts';
import { attachDirectly } from './attach-directly.ts';
import { warnOfFirmware } from './firmware.ts';
import { stagePath } from './layout.ts';
import { machineSpec, timesOf } from './machine-spec.ts';
import { powerOff } from './power-off.ts';
import type { InstalledManifest, MachineOptions } from './manifest.ts';
import { startRecorded } from './running-machines.ts';
import { openWork } from './stage-store.ts';
import { layerStorage, storageBeside, storageIn } from './storage.ts';
import { quoteCommand } from '../io/quoting.ts';

export interface BootRequest {
  readonly installed: InstalledManifest;
  /** Options that replace those of the installation. */
  readonly machineOptions: Partial<Omit<MachineOptions, 'diskMiB' | 'firmware' | 'tpm'>>;
  /** File for the writes of the guest to its disk, kept for the next boot. By default they are discarded. */
  readonly diskFile?: string | undefined;
  /** Directories for the shares `store` (read-only) and `xchg`; by default empty ones. */
  readonly store?: string | undefined;
  readonly xchg?: string | undefined;
  /** Further directories, over 9p. */
  readonly shares: readonly BootShare[];
  /** Directories of running vde switches; the guest has a further network card for each. */
  readonly switches: readonly string[];
}

export interface BootShare extends GuestMount {
  readonly path: string;
}

export interface BootHooks {
  /** Receives each line of the guest's console. */
  readonly onLine: (line: string) => Promise<void>;
  /** Receives the command line of ssh for this machine, quoted for a POSIX shell. Not called for a guest kind without
   *  commands, whose guests have no ssh yet. */
  readonly onSsh: (commandLine: string) => void;
  /** Aborting it shuts the guest down: by ssh, or by the power button. Aborting the signal of the context
   *  ends the machine at once. */
  readonly shutdown: AbortSignal;
}

/** Boots an installed disk with its console and ssh, and waits until the guest powers off. The installed disk is not
 *  changed. Throws VmError, `usage` for an overlay that the guest kind does not support, and the reason of the
 *  signal. */
export async function bootMachine(
  context: StageContext,
  request: BootRequest,
  { onLine, onSsh, shutdown }: BootHooks,
): Promise<MachineExit> {
  const { places, host, guest, report, signal } = context;
  const { installed, machineOptions, shares } = request;
  if (!guest.mountsShares && shares.some(({ access }) => access === 'overlay')) {
    throw new CygstrapError('usage', `guests of kind \`${guest.name}\` do not support overlays`, {
      hint: 'share the directory with access `ro`, or share a copy of it',
    });
  }
  const below = stagePath(places, 'install', installed.key);
  await using work = await openWork(places, [{ stage: 'install', key: installed.key }]);
  const storage = request.diskFile === undefined ? storageIn(work.path) : storageBeside(resolve(request.diskFile));
  const options = { ...installed.machineOptions, ...machineOptions };
  await warnOfFirmware(context, installed);
  await layerStorage(host, storage, { ...options, below: storageIn(below), signal });
  const shared = {
    store: resolve(request.store ?? join(work.path, 'store')),
    xchg: resolve(request.xchg ?? join(work.path, 'xchg')),
  };
  await Promise.all(Object.values(shared).map((path) => mkdir(path, { recursive: true })));
  await using attachment = await attachDirectly(context, {
    shares: shared,
    directory: work.run,
    installed: below,
    qemuArguments: options.qemuArguments,
  });
  const template = guest.bootMachine({
    disk: { kind: 'file', path: storage.disk, format: 'qcow2', writes: 'persistent' },
    directory: below,
    link: attachment.link,
    mounts: shares,
  });
  const model = template.nics[0]?.model ?? 'e1000';
  const cards = request.switches.map((directory, i): NicSpec => ({
    id: `nic${i + 1}`,
    model,
    mac: macOf(i + 1),
    link: { kind: 'vde', directory: resolve(directory) },
  }));
  const spec = {
    ...machineSpec({ ...template, nics: [...template.nics, ...cards] }, options, {
      name: 'guest',
      host,
      storage,
      backing: { kind: 'private' },
      start: 'running',
      onReset: 'reset',
    }),
    shares: shares.map(({ tag, path, access }, i): ShareSpec => ({
      id: `share${i}`,
      tag,
      path: resolve(path),
      isReadonly: access !== 'rw',
    })),
  };
  await using machine = await startRecorded(context, spec, { work, activity: 'boot', key: installed.key });
  const target = attachment.targetIn(machine);
  const { commands } = guest;
  if (commands !== undefined) onSsh(quoteCommand(sshArgv(target)));
  const onShutdown = (): void => {
    // The end of the machine is awaited below.
    void powerOff(machine, { target, commands, times: timesOf(context, machine.spec), report, signal });
  };
  shutdown.addEventListener('abort', onShutdown, { once: true });
  if (shutdown.aborted) onShutdown();
  for await (const line of machine.console()) await onLine(line);
  const exit = await machine.exited;
  signal.throwIfAborted();
  if (exit.reason === 'died') throw exit.error;
  return exit;
}

/** Returns the MAC address of an additional card; the first card of the guest is 52:54:00:12:01:01. */
function macOf(number: number): string {
  return `52:54:00:12:01:${(number + 0x10).toString(16).padStart(2, '0')}`;
}
