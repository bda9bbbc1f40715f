import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createOverlay } from '../vm/disk.ts';
import { loadMemory } from '../vm/memory-image.ts';
import type { Machine } from '../vm/machine.ts';
import { startMachine } from '../vm/start.ts';
import { VmError } from '../vm/vm-error.ts';
import { requireTool } from '../vm/require.ts';

import type { StageContext } from './context.ts';
import { hostCpu } from './host-record.ts';
import { STAGE_FILES, runLogPath, stagePath } from './layout.ts';
import { machineSpec } from './machine-spec.ts';
import type { SnapshotManifest } from './manifest.ts';
import type { GuestShell, SharedDirectories } from './topology.ts';
import { verifySnapshot } from './verify-stage.ts';
import { attachNetwork } from './attach.ts';
import { openWork } from './stage-store.ts';
import type { WorkDirectory } from './stage-store.ts';

export interface ResumeRequest {
  readonly manifest: SnapshotManifest;
  /** Where the files of the snapshot are, when it is not published yet. */
  readonly directory?: string;
  readonly shares: SharedDirectories | ((work: string) => Promise<SharedDirectories>);
  /** Whether a machine that cannot go on here is booted instead, with a warning. */
  readonly mayBoot: boolean;
}

/** A machine that went on where its snapshot stood; disposing of it ends it and discards what it wrote. */
export interface ResumedMachine extends AsyncDisposable {
  readonly machine: Machine;
  readonly shell: GuestShell;
  readonly shares: SharedDirectories;
  /** Its directory, which goes with it unless kept. */
  readonly work: Pick<WorkDirectory, 'path' | 'keep'>;
  /** It was booted, and its shares are not connected. */
  readonly isCold: boolean;
}

const LOAD_TIMEOUT_MS = 30 * 60_000;
const ANSWER_TIMEOUT_MS = 60_000;
const BOOT_TIMEOUT_MS = 10 * 60_000;

/** Revives a snapshot over a throw-away layer of its disk; what it writes to RAM is its own. Its ssh answers the first call. Throws VmError,
 *  also for a snapshot whose files are not as they were published. */
export async function resume(context: StageContext, request: ResumeRequest): Promise<ResumedMachine> {
  const owned: AsyncDisposable[] = [];
  const end = async (): Promise<void> => {
    for (const each of owned.splice(0).toReversed()) await each[Symbol.asyncDispose]();
  };
  try {
    return { ...(await start(context, request, owned)), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Starts the machine; what has to be ended in the end is added to `owned` as it begins. */
async function start(
  context: StageContext,
  request: ResumeRequest,
  owned: AsyncDisposable[],
): Promise<Omit<ResumedMachine, typeof Symbol.asyncDispose>> {
  const { places, report, signal } = context;
  const { manifest, mayBoot } = request;
  const directory = request.directory ?? stagePath(places, 'snapshot', manifest.key);
  const work = await openWork(places, [
    { stage: 'install', key: manifest.install },
    { stage: 'snapshot', key: manifest.key },
  ]);
  owned.push(work);
  await mkdir(places.logs, { recursive: true, mode: 0o700 });
  const consoleLog = runLogPath(places, basename(work.path));
  // What is not published yet was read a moment ago.
  if (request.directory === undefined) await verifySnapshot(places, manifest, { everyByte: false });
  const shares = typeof request.shares === 'function' ? await request.shares(work.path) : request.shares;
  const place: Place = { directory, work, shares, consoleLog, owned };
  let refusal = differenceOf(context, manifest);
  if (refusal === undefined) {
    const gone = await resumeMemory(context, manifest, place);
    if (typeof gone !== 'string') return { ...gone, shares, work, isCold: false };
    refusal = gone;
  }
  if (!mayBoot) throw new VmError(`the snapshot cannot go on here: ${refusal}`);
  report({
    kind: 'warning',
    message: `the snapshot cannot go on here, so its disk is booted instead, which takes longer: ${refusal}`,
  });
  const booted = await launch(context, manifest, { ...place, isCold: true });
  await booted.shell.waitUntilReady({ isBooting: true, timeoutMs: BOOT_TIMEOUT_MS, signal });
  return { ...booted, shares, work, isCold: true };
}

/** What a machine that is resumed has on this host. */
interface Place {
  readonly directory: string;
  readonly work: WorkDirectory;
  readonly shares: SharedDirectories;
  readonly consoleLog: string;
  readonly owned: AsyncDisposable[];
}

/** Lets a machine go on where it stood; or tells why QEMU does not take it. Throws VmError for a snapshot that is damaged. */
async function resumeMemory(
  context: StageContext,
  manifest: SnapshotManifest,
  place: Place,
): Promise<Launched | string> {
  const { host, places, signal } = context;
  const compression =
    manifest.ram === null
      ? ({ kind: 'zstd', zstd: requireTool(host, 'zstd'), setpriv: host.tools.setpriv } as const)
      : ({ kind: 'none' } as const);
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
    await machine.qmp.command('cont', {}, { signal });
    await shell.waitUntilReady({ isBooting: false, timeoutMs: ANSWER_TIMEOUT_MS, signal });
    return launched;
  } catch (error) {
    signal.throwIfAborted();
    // That nobody touched a file says little when its machine does not go on.
    await verifySnapshot(places, manifest, { directory: place.directory, everyByte: true });
    // Who killed it does not want another.
    if (isLoaded || !(error instanceof VmError) || typeof error.details.signal === 'string') throw error;
    // All but the work directory.
    for (const each of place.owned.splice(1).toReversed()) await each[Symbol.asyncDispose]();
    return error.message;
  }
}

interface Launched {
  readonly machine: Machine;
  readonly shell: GuestShell;
}

/** Starts QEMU over a fresh layer of the disk: of the snapshot's, to be filled from its image; or of the one below, to be booted. */
async function launch(
  context: StageContext,
  manifest: SnapshotManifest,
  { directory, work, shares, consoleLog, owned, isCold }: Place & { readonly isCold: boolean },
): Promise<Launched> {
  const { places, guest, host, report, signal } = context;
  const below = stagePath(places, 'install', manifest.install);
  const disk = join(work.path, STAGE_FILES.disk);
  await rm(disk, { force: true });
  // Both end before either failure is told: nothing may be written any more into what is removed then.
  const [wired, layered] = await Promise.allSettled([
    attachNetwork(context, {
      shares,
      directory: work.run,
      installed: below,
      qemuArguments: manifest.machineOptions.qemuArguments,
    }),
    // The disk of a machine that stood still is not whole without its RAM: only the one below it can be booted.
    createOverlay(
      host,
      { path: disk, base: join(isCold ? below : directory, STAGE_FILES.disk), baseFormat: 'qcow2' },
      { signal },
    ),
  ]);
  if (wired.status === 'rejected') throw wired.reason;
  const attachment = wired.value;
  owned.push(attachment);
  if (layered.status === 'rejected') throw layered.reason;
  const template = guest.bootMachine({
    disk: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' },
    directory: below,
    link: attachment.link,
  });
  const spec = machineSpec(template, manifest.machineOptions, {
    name: 'guest',
    backing:
      manifest.ram !== null && !isCold
        ? { kind: 'file', path: join(directory, STAGE_FILES.ram), isShared: false }
        : { kind: 'private' },
    start: isCold ? 'running' : 'incoming',
    onReset: 'exit',
    ...(!isCold && { machineType: manifest.machine.machineType, accelerator: manifest.machine.accelerator }),
  });
  const machine = await startMachine(spec, host, { directory: work.run, signal, report, consoleLog });
  owned.push({
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      // Of one that ended on its own, somebody wants to know why.
      if ((await machine.exited).reason === 'host-quit') await rm(consoleLog, { force: true });
    },
  });
  return { machine, shell: attachment.shellOf(machine) };
}

/** Why a snapshot cannot go on on this host; undefined when it can, as far as is known. */
function differenceOf({ host }: StageContext, { machine }: SnapshotManifest): string | undefined {
  if (host.qemu === undefined) return undefined;
  if (host.qemu.version !== machine.qemu)
    return `it was made by QEMU ${machine.qemu}, and here is ${host.qemu.version}`;
  if (!host.qemu.accelerators.some(({ name, works }) => name === machine.accelerator && works))
    return `it was made with the accelerator \`${machine.accelerator}\`, which does not work here`;
  if (machine.hostCpu !== null && machine.hostCpu !== hostCpu())
    return `it was made on another processor: ${machine.hostCpu}`;
  return undefined;
}
