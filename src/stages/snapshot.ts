import { randomInt } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inSequence } from '../guest/kind.ts';
import { runChecked } from '../guest/ssh-run.ts';
import { acceleratorOf, argvOf, machineTypeOf } from '../vm/argv.ts';
import { saveMemory } from '../vm/memory-image.ts';
import { requireQemu, requireTool } from '../vm/base/require.ts';
import { finishFile } from './context.ts';
import type { StageContext } from './context.ts';
import { firmwareDigests, warnOfFirmware } from './firmware.ts';
import { hostCpu } from './host-record.ts';
import { writeNewIdentities } from './integrity-cache.ts';
import { snapshotKey } from './keys.ts';
import { STAGE_FILES, logPaths, stagePath } from './layout.ts';
import { bareTemplate, cpuOf, machineSpec, timesOf } from './machine-spec.ts';
import { STAGE_SCHEMA } from './manifest.ts';
import type { FrozenMachine, InstalledManifest, SnapshotManifest } from './manifest.ts';
import { checkResumed } from './resume-check.ts';
import { resume } from './resume.ts';
import { verifyInstalled } from './verify-stage.ts';
import { takeScreen } from './watch/screens.ts';
import { attachNetwork } from './attach.ts';
import { waitUntilQuiet } from './quiet.ts';
import type { SharedDirectories } from './topology.ts';
import { reuseOrMake } from './reuse-or-make.ts';
import { startRecorded } from './running-machines.ts';
import { openWork, publishStage } from './stage-store.ts';
import { layerStorage, sealStorage, storageIn } from './storage.ts';

export interface SnapshotRequest {
  readonly installed: InstalledManifest;
  /** Store the memory as one compressed stream, which can be copied to another host, instead of a file that is
   *  mapped. */
  readonly isPortable: boolean;
  /** Longest duration of the boot, in milliseconds. Default: that of the guest. */
  readonly bootTimeoutMs?: number | undefined;
}

/** Longest duration of saving the memory. */
const SAVE_TIMEOUT_MS = 30 * 60_000;

/** Boots an installed disk, connects the shares and saves the running machine, or returns the published snapshot
 *  with the same key. Before a new snapshot is published it is resumed once, to read a number that was only in its
 *  RAM. Throws GuestError and VmError; then nothing is published. */
export async function snapshotStage(context: StageContext, request: SnapshotRequest): Promise<SnapshotManifest> {
  const { installed, isPortable } = request;
  const machine = await frozenMachineOf(context, installed);
  const key = snapshotKey({ install: installed.key, machine, machineOptions: installed.machineOptions, isPortable });
  return reuseOrMake(context, { stage: 'snapshot', key }, async (recorded) =>
    make(recorded, request, { key, machine }),
  );
}

/** Returns the properties of the machine that a host must also have to resume its snapshot. */
async function frozenMachineOf(
  { host, guest }: StageContext,
  { machineOptions }: InstalledManifest,
): Promise<Omit<FrozenMachine, 'argv'>> {
  const qemu = requireQemu(host);
  const template = bareTemplate(guest);
  const accelerator = acceleratorOf({}, qemu);
  return {
    qemu: qemu.version,
    machineType: machineTypeOf(template, qemu),
    accelerator,
    cpu: cpuOf(template.cpu, host, accelerator),
    firmware: (await firmwareDigests(host, machineOptions))?.code ?? null,
    hostCpu: accelerator === 'tcg' ? null : hostCpu(),
  };
}

async function make(
  context: StageContext,
  { installed, isPortable, bootTimeoutMs: wantedBootMs }: SnapshotRequest,
  { key, machine: frozen }: { readonly key: string; readonly machine: Omit<FrozenMachine, 'argv'> },
): Promise<SnapshotManifest> {
  const { places, host, guest, version, report, signal } = context;
  const startMs = performance.now();
  const logs = logPaths(places, 'snapshot', key);
  report({ kind: 'stage-start', stage: 'snapshot', key });
  await mkdir(places.logs, { recursive: true, mode: 0o700 });
  await Promise.all([logs.console, logs.screen].map((path) => rm(path, { force: true })));
  await using work = await openWork(places, [{ stage: 'install', key: installed.key }]);
  await verifyInstalled(places, installed.key, false);
  await warnOfFirmware(context, installed);
  const [ram, state] = [join(work.path, STAGE_FILES.ram), join(work.path, STAGE_FILES.state)];
  const below = stagePath(places, 'install', installed.key);
  const storage = storageIn(work.path);
  const { machineOptions } = installed;
  // The paths are relative, so that the directory of all stages can be moved.
  await layerStorage(host, storage, { ...machineOptions, below: storageIn(below), isRelative: true, signal });
  const number = `${randomInt(1, 2 ** 47)}`;
  const shares = { store: join(work.path, 'store'), xchg: join(work.path, 'xchg') };
  await Promise.all(Object.values(shares).map((path) => mkdir(path)));
  let stoppedMs: number;
  let savedAt: Date;
  let argv: readonly string[];
  {
    await using attachment = await attachNetwork(context, {
      shares,
      directory: work.run,
      installed: below,
      qemuArguments: machineOptions.qemuArguments,
    });
    const template = guest.bootMachine({
      disk: { kind: 'file', path: storage.disk, format: 'qcow2', writes: 'persistent' },
      directory: below,
      link: attachment.link,
    });
    const spec = machineSpec(template, machineOptions, {
      ...frozen,
      name: 'guest',
      host,
      storage,
      backing: isPortable ? { kind: 'private' } : { kind: 'file', path: ram, isShared: true },
      start: 'running',
      onReset: 'exit',
    });
    await using machine = await startRecorded(context, spec, {
      work,
      activity: 'snapshot',
      key,
      consoleLog: logs.console,
    });
    try {
      const shell = attachment.shellOf(machine);
      const times = timesOf(context, machine.spec);
      report({ kind: 'stage-step', stage: 'snapshot', text: 'boot' });
      await shell.waitUntilReady({ bootTimeoutMs: wantedBootMs ?? times.bootMs, signal });
      report({ kind: 'stage-step', stage: 'snapshot', text: 'connect the shares' });
      const { connectShares, storeNumber } = guest.commands;
      // The process with the number would keep the shares of its connection in use.
      for (const command of [storeNumber(number), inSequence([connectShares, 'sync'])])
        await runChecked(shell.run, command, { signal });
      report({ kind: 'stage-step', stage: 'snapshot', text: 'wait until the guest is idle' });
      await waitUntilQuiet(machine, { limits: times.quiet, report, signal });
      report({ kind: 'stage-step', stage: 'snapshot', text: 'save the memory' });
      const compression = isPortable
        ? ({ kind: 'zstd', zstd: requireTool(host, 'zstd') } as const)
        : ({ kind: 'none' } as const);
      savedAt = new Date();
      ({ durationMs: stoppedMs } = await saveMemory(machine, {
        path: state,
        compression,
        timeoutMs: SAVE_TIMEOUT_MS,
        signal,
      }));
    } catch (error) {
      signal.throwIfAborted();
      await takeScreen(machine, logs.screen);
      throw error;
    }
    argv = argvOf(machine.spec, requireQemu(host), machine.files);
    await machine.quit();
  }
  await chmod(state, 0o400);
  const finished = {
    ...(await sealStorage(host, storage, { ...machineOptions, signal })),
    state: await finishFile(state),
    ram: isPortable ? null : await finishFile(ram),
  };
  const manifest: SnapshotManifest = {
    schema: STAGE_SCHEMA,
    stage: 'snapshot',
    key,
    install: installed.key,
    guest: guest.name,
    machineOptions,
    machine: { ...frozen, argv },
    made: {
      saved: savedAt.toISOString(),
      evaluationEnds: installed.made.evaluationEnds,
      version,
      durationMs: 0,
      stoppedMs: Math.round(stoppedMs),
    },
    disk: finished.disk.stamp,
    vars: finished.vars?.stamp ?? null,
    tpm: finished.tpm?.stamp ?? null,
    state: finished.state.stamp,
    ram: finished.ram?.stamp ?? null,
  };
  await testResume(context, { manifest, directory: work.path, number, shares });
  await Promise.all(Object.values(shares).map((path) => rm(path, { recursive: true, force: true })));
  signal.throwIfAborted();
  const made = { ...manifest, made: { ...manifest.made, durationMs: Math.round(performance.now() - startMs) } };
  await publishStage(places, work, made);
  await writeNewIdentities(places, made, finished);
  report({ kind: 'stage-done', stage: 'snapshot', key, durationMs: performance.now() - startMs });
  return made;
}

interface TestResume {
  readonly manifest: SnapshotManifest;
  readonly directory: string;
  readonly number: string;
  readonly shares: SharedDirectories;
}

/** Resumes a new snapshot and checks what runs need of it. Throws as {@link checkResumed} does, and VmError. */
async function testResume(context: StageContext, { manifest, directory, number, shares }: TestResume): Promise<void> {
  const { guest, report, signal } = context;
  report({ kind: 'stage-step', stage: 'snapshot', text: 'resume it once' });
  await using resumed = await resume(context, { activity: 'snapshot', manifest, directory, shares, mayBoot: false });
  const { clockMs } = timesOf(context, resumed.machine.spec);
  await checkResumed({ guest, run: resumed.shell.run, shares, number, clockMs, report, signal });
}
