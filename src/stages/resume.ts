import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadMemory } from '../vm/memory-image.ts';
import type { Machine } from '../vm/machine.ts';
import { VmError } from '../vm/base/vm-error.ts';
import { requireTool } from '../vm/base/require.ts';

import type { StageContext } from './context.ts';
import { firmwareDifference } from './firmware.ts';
import { hostCpu } from './host-record.ts';
import { STAGE_FILES, runLogPath, stagePath } from './layout.ts';
import { machineSpec, timesOf } from './machine-spec.ts';
import type { SnapshotManifest } from './manifest.ts';
import type { GuestShell, SharedDirectories } from './topology.ts';
import { verifySnapshot } from './verify-stage.ts';
import { attachNetwork } from './attach.ts';
import { startRecorded } from './running-machines.ts';
import type { Activity } from './running-machines.ts';
import { openWork } from './stage-store.ts';
import type { WorkDirectory } from './stage-store.ts';
import { layerStorage, removeStorage, storageIn } from './storage.ts';

export interface ResumeRequest {
  /** What the machine is resumed for. */
  readonly activity: Activity;
  readonly manifest: SnapshotManifest;
  /** Directory of a snapshot that is not published yet. */
  readonly directory?: string;
  readonly shares: SharedDirectories | ((work: string) => Promise<SharedDirectories>);
  /** Whether the disk is booted, with a warning, if the snapshot cannot be resumed on this host. */
  readonly mayBoot: boolean;
}

/** A resumed machine. Disposing ends it and discards its writes. */
export interface ResumedMachine extends AsyncDisposable {
  readonly machine: Machine;
  readonly shell: GuestShell;
  readonly shares: SharedDirectories;
  /** Its work directory. */
  readonly work: Pick<WorkDirectory, 'path' | 'keep'>;
  /** True if the disk was booted instead; the shares are then not connected. */
  readonly isCold: boolean;
  /** Ends the machine and its network; the work directory stays. */
  readonly endMachine: () => Promise<void>;
}

const LOAD_TIMEOUT_MS = 30 * 60_000;

/** Resumes a snapshot with a temporary overlay of its disk and a private copy of its RAM. Throws VmError, also for a
 *  snapshot whose files were modified, `io`, and the reason of the signal. */
export async function resume(context: StageContext, request: ResumeRequest): Promise<ResumedMachine> {
  const owned: AsyncDisposable[] = [];
  const end = async (): Promise<void> => {
    for (const each of owned.splice(0).toReversed()) await each[Symbol.asyncDispose]();
  };
  try {
    const started = await start(context, request, owned);
    return { ...started, endMachine: async () => endMachine(owned), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Ends everything except the work directory, which is the first. */
async function endMachine(owned: AsyncDisposable[]): Promise<void> {
  for (const each of owned.splice(1).toReversed()) await each[Symbol.asyncDispose]();
}

/** Starts the machine. Adds each resource to `owned` when it is created. */
async function start(
  context: StageContext,
  request: ResumeRequest,
  owned: AsyncDisposable[],
): Promise<Omit<ResumedMachine, typeof Symbol.asyncDispose | 'endMachine'>> {
  const { places, report, signal } = context;
  const { manifest, mayBoot } = request;
  const directory = request.directory ?? stagePath(places, 'snapshot', manifest.key);
  // It could not be booted either.
  if (manifest.machineOptions.tpm) requireTool(context.host, 'swtpm');
  const work = await openWork(places, [
    { stage: 'install', key: manifest.install },
    { stage: 'snapshot', key: manifest.key },
  ]);
  owned.push(work);
  await mkdir(places.logs, { recursive: true, mode: 0o700 });
  const consoleLog = runLogPath(places, basename(work.path));
  // The files of an unpublished snapshot have just been written.
  if (request.directory === undefined) await verifySnapshot(places, manifest, { everyByte: false });
  const shares = typeof request.shares === 'function' ? await request.shares(work.path) : request.shares;
  const place: Placement = { activity: request.activity, directory, work, shares, consoleLog, owned };
  let refusal = await differenceOf(context, manifest);
  if (refusal === undefined) {
    const resumed = await resumeMemory(context, manifest, place);
    if (typeof resumed !== 'string') return { ...resumed, shares, work, isCold: false };
    refusal = resumed;
  }
  if (!mayBoot) throw new VmError(`the snapshot cannot be resumed on this host: ${refusal}`);
  report({
    kind: 'warning',
    message: `the snapshot cannot be resumed on this host; its disk is booted instead, which is slower: ${refusal}`,
  });
  const booted = await launch(context, manifest, { ...place, isCold: true });
  const { bootMs } = timesOf(context, booted.machine.spec);
  await booted.shell.waitUntilReady({ bootTimeoutMs: bootMs, signal });
  return { ...booted, shares, work, isCold: true };
}

/** Files and directories of one resumed machine on this host. */
interface Placement {
  readonly activity: Activity;
  readonly directory: string;
  readonly work: WorkDirectory;
  readonly shares: SharedDirectories;
  readonly consoleLog: string;
  readonly owned: AsyncDisposable[];
}

/** Loads the memory of a snapshot and continues the machine. Returns the reason if QEMU refuses the snapshot. Throws
 *  VmError for a damaged snapshot. */
async function resumeMemory(
  context: StageContext,
  manifest: SnapshotManifest,
  place: Placement,
): Promise<Launched | string> {
  const { host, places, signal } = context;
  const compression =
    manifest.ram === null ? ({ kind: 'zstd', zstd: requireTool(host, 'zstd') } as const) : ({ kind: 'none' } as const);
  let launched: Launched | undefined;
  let isLoaded = false;
  try {
    launched = await launch(context, manifest, { ...place, isCold: false });
    const { machine, shell } = launched;
    await loadMemory(machine, {
      path: join(place.directory, STAGE_FILES.state),
      compression,
      timeoutMs: LOAD_TIMEOUT_MS,
      signal,
    });
    isLoaded = true;
    await machine.command('cont', {}, { signal });
    await shell.waitUntilReady({ signal });
    return launched;
  } catch (error) {
    signal.throwIfAborted();
    // After a failure every byte is compared: stored files can change through disk errors.
    await verifySnapshot(places, manifest, { directory: place.directory, everyByte: true });
    // A killed machine is not started again.
    if (isLoaded || !(error instanceof VmError) || typeof error.details.signal === 'string') throw error;
    await endMachine(place.owned);
    return error.message;
  }
}

interface Launched {
  readonly machine: Machine;
  readonly shell: GuestShell;
}

/** Starts QEMU with a new layer: of the storage of the snapshot, to load its memory; or of the installed disk, to boot
 *  it. */
async function launch(
  context: StageContext,
  manifest: SnapshotManifest,
  { activity, directory, work, shares, consoleLog, owned, isCold }: Placement & { readonly isCold: boolean },
): Promise<Launched> {
  const { places, guest, host, signal } = context;
  const below = stagePath(places, 'install', manifest.install);
  const storage = storageIn(work.path);
  await removeStorage(storage);
  // Both must end before an error is thrown: the caller then removes the directory that they write to.
  const [attached, overlaid] = await Promise.allSettled([
    attachNetwork(context, {
      shares,
      directory: work.run,
      installed: below,
      qemuArguments: manifest.machineOptions.qemuArguments,
    }),
    // The disk of a snapshot is inconsistent without its RAM, so only the installed disk can be booted.
    layerStorage(host, storage, { ...manifest.machineOptions, below: storageIn(isCold ? below : directory), signal }),
  ]);
  if (attached.status === 'rejected') throw attached.reason;
  const attachment = attached.value;
  owned.push(attachment);
  if (overlaid.status === 'rejected') throw overlaid.reason;
  const template = guest.bootMachine({
    disk: { kind: 'file', path: storage.disk, format: 'qcow2', writes: 'persistent' },
    directory: below,
    link: attachment.link,
  });
  const spec = machineSpec(template, manifest.machineOptions, {
    name: 'guest',
    host,
    storage,
    backing:
      manifest.ram !== null && !isCold
        ? { kind: 'file', path: join(directory, STAGE_FILES.ram), isShared: false }
        : { kind: 'private' },
    start: isCold ? 'running' : 'incoming',
    onReset: 'exit',
    ...(!isCold && { machineType: manifest.machine.machineType, accelerator: manifest.machine.accelerator }),
  });
  const machine = await startRecorded(context, spec, { work, activity, key: manifest.key, consoleLog });
  owned.push({
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      // The console log of a machine that ended unexpectedly is kept.
      if ((await machine.exited).reason === 'host-quit') await rm(consoleLog, { force: true });
    },
  });
  return { machine, shell: attachment.shellOf(machine) };
}

/** Returns why a snapshot cannot be resumed on this host, or undefined if no reason is known. */
async function differenceOf(
  { host }: StageContext,
  { machine, machineOptions }: SnapshotManifest,
): Promise<string | undefined> {
  if (host.qemu === undefined) return undefined;
  if (host.qemu.version !== machine.qemu)
    return `it was made by QEMU ${machine.qemu}, this host has ${host.qemu.version}`;
  if (!host.qemu.accelerators.some(({ name, works }) => name === machine.accelerator && works))
    return `it was made with the accelerator \`${machine.accelerator}\`, which does not work here`;
  if (machine.hostCpu !== null && machine.hostCpu !== hostCpu())
    return `it was made on another processor: ${machine.hostCpu}`;
  return firmwareDifference(host, machineOptions, machine.firmware);
}
