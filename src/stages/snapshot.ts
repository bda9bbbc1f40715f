import { randomInt } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GuestError } from '../guest/guest-error.ts';
import { inTurn } from '../guest/kind.ts';
import { requireDone } from '../guest/ssh-run.ts';
import { acceleratorOf, argvOf, machineTypeOf } from '../vm/argv.ts';
import { createOverlay, sealDisk } from '../vm/disk.ts';
import type { Qemu } from '../vm/host.ts';
import { saveMemory } from '../vm/memory-image.ts';
import { startMachine } from '../vm/start.ts';
import { VmError } from '../vm/vm-error.ts';
import { finishFile, hostCpu } from './context.ts';
import type { StageContext } from './context.ts';
import { noteIntact } from './intact.ts';
import { snapshotKey } from './keys.ts';
import { STAGE_FILES, logPaths, stagePath } from './layout.ts';
import { machineSpec } from './machine-spec.ts';
import { STAGE_SCHEMA } from './manifest.ts';
import type { FrozenMachine, InstalledManifest, SnapshotManifest } from './manifest.ts';
import { revive } from './revive.ts';
import { requireInstalled } from './unchanged.ts';
import { lastScreen } from './watch.ts';
import { wire } from './wire.ts';
import { findStage, openWork, publishStage, withStageLock } from './workshop.ts';

export interface SnapshotRequest {
  readonly installed: InstalledManifest;
  /** Memory goes into one compressed stream, which can be copied to another host, instead of a file that is mapped. */
  readonly isPortable: boolean;
  /** How long the guest may take to boot. */
  readonly bootTimeoutMs: number;
}

/** What lies on the disk of the guest and in its RAM differ while it runs; an image of both is made in this time. */
const SAVE_TIMEOUT_MS = 30 * 60_000;

/** Boots an installed disk, waits for ssh, connects the shares and freezes it, unless such a snapshot is there already. Before it is
 *  published it is revived once, and must still know a number that was in its RAM only. Throws GuestError and VmError; nothing is
 *  published then. */
export async function snapshotStage(context: StageContext, request: SnapshotRequest): Promise<SnapshotManifest> {
  const { places, report, signal } = context;
  const { installed, isPortable } = request;
  const machine = likeOf(context);
  const key = snapshotKey({ install: installed.key, machine, wishes: installed.wishes, isPortable });
  const use = { stage: 'snapshot', key } as const;
  const published = async (): Promise<SnapshotManifest | undefined> => {
    const found = await findStage(places, use);
    if (found?.stage !== 'snapshot') return undefined;
    report({ kind: 'stage-reused', stage: 'snapshot', key });
    return found;
  };
  const onWait = (pid: number | undefined): void =>
    report({
      kind: 'warning',
      message: `waiting for ${pid === undefined ? 'another process' : `process ${pid}`}, which makes the same snapshot`,
    });
  return (
    (await published()) ??
    withStageLock(
      places,
      use,
      { signal, onWait },
      async () => (await published()) ?? make(context, request, { key, machine }),
    )
  );
}

/** What a machine of this host is, as far as only its like can go on where it stood. */
function likeOf({ host, guest }: StageContext): Omit<FrozenMachine, 'argv'> {
  const qemu = requireQemu(host.qemu);
  const template = guest.bootMachine({ disk: { kind: 'empty', sizeMiB: 1 }, directory: '/', link: { kind: 'none' } });
  const accelerator = acceleratorOf({}, qemu);
  return {
    qemu: qemu.version,
    machineType: machineTypeOf(template, qemu),
    accelerator,
    cpu: template.cpu,
    hostCpu: accelerator === 'tcg' ? null : hostCpu(),
  };
}

function requireQemu(qemu: Qemu | undefined): Qemu {
  if (qemu === undefined)
    throw new VmError('QEMU is not installed', { hint: '`cygstrap doctor` tells how to install it' });
  return qemu;
}

async function make(
  context: StageContext,
  { installed, isPortable, bootTimeoutMs }: SnapshotRequest,
  { key, machine: like }: { readonly key: string; readonly machine: Omit<FrozenMachine, 'argv'> },
): Promise<SnapshotManifest> {
  const { places, host, guest, version, report, signal } = context;
  const startMs = performance.now();
  const logs = logPaths(places, 'snapshot', key);
  report({ kind: 'stage-start', stage: 'snapshot', key });
  await mkdir(places.logs, { recursive: true, mode: 0o700 });
  await Promise.all([logs.console, logs.screen].map((path) => rm(path, { force: true })));
  await using work = await openWork(places, [{ stage: 'install', key: installed.key }]);
  await requireInstalled(places, installed.key, false);
  const [disk, ram, state] = [STAGE_FILES.disk, STAGE_FILES.ram, STAGE_FILES.state].map((name) =>
    join(work.path, name),
  ) as [string, string, string];
  const below = stagePath(places, 'install', installed.key);
  // Relative, so that the directory of all stages can be moved.
  await createOverlay(
    host,
    { path: disk, base: join('..', '..', 'install', installed.key, STAGE_FILES.disk), baseFormat: 'qcow2' },
    { signal },
  );
  const number = `${randomInt(1, 2 ** 47)}`;
  const shares = { store: join(work.path, 'store'), xchg: join(work.path, 'xchg') };
  await Promise.all(Object.values(shares).map((path) => mkdir(path)));
  let stoppedMs: number;
  let argv: readonly string[];
  {
    await using wiring = await wire(context, {
      shares,
      directory: work.run,
      installed: below,
      qemuArguments: installed.wishes.qemuArguments,
    });
    const template = guest.bootMachine({
      disk: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' },
      directory: below,
      link: wiring.link,
    });
    const spec = machineSpec(template, installed.wishes, {
      ...like,
      name: 'guest',
      backing: isPortable ? { kind: 'private' } : { kind: 'file', path: ram, isShared: true },
      start: 'running',
      onReset: 'exit',
    });
    await using machine = await startMachine(spec, host, {
      directory: work.run,
      consoleLog: logs.console,
      signal,
      report,
    });
    try {
      const line = wiring.lineTo(machine);
      report({ kind: 'stage-step', stage: 'snapshot', text: 'boot' });
      await line.untilAnswers({ isBooting: true, timeoutMs: bootTimeoutMs, signal });
      report({ kind: 'stage-step', stage: 'snapshot', text: 'connect the shares' });
      const { connectShares, plantNumber } = guest.commands;
      await requireDone(line.run, inTurn([connectShares, plantNumber(number)]), { signal });
      report({ kind: 'stage-step', stage: 'snapshot', text: 'freeze' });
      const compression = isPortable
        ? ({ kind: 'zstd', zstd: requireZstd(host.tools.zstd), setpriv: host.tools.setpriv } as const)
        : ({ kind: 'none' } as const);
      ({ durationMs: stoppedMs } = await saveMemory(machine, {
        path: state,
        compression,
        timeoutMs: SAVE_TIMEOUT_MS,
        signal,
      }));
    } catch (error) {
      signal.throwIfAborted();
      await lastScreen(machine, logs.screen);
      throw error;
    }
    argv = argvOf(machine.spec, requireQemu(host.qemu), machine.files);
    await machine.quit();
  }
  await sealDisk(disk);
  await chmod(state, 0o400);
  const finished = {
    disk: await finishFile(disk),
    state: await finishFile(state),
    ram: isPortable ? null : await finishFile(ram),
  };
  const manifest: SnapshotManifest = {
    schema: STAGE_SCHEMA,
    stage: 'snapshot',
    key,
    install: installed.key,
    guest: guest.name,
    wishes: installed.wishes,
    machine: { ...like, argv },
    made: { version, durationMs: 0, stoppedMs: Math.round(stoppedMs) },
    disk: finished.disk.stamp,
    state: finished.state.stamp,
    ram: finished.ram?.stamp ?? null,
  };
  await testRevive(context, { manifest, directory: work.path, number, shares });
  await Promise.all(Object.values(shares).map((path) => rm(path, { recursive: true, force: true })));
  signal.throwIfAborted();
  const made = { ...manifest, made: { ...manifest.made, durationMs: Math.round(performance.now() - startMs) } };
  await publishStage(places, work, made);
  await noteIntact(places, made, {
    [STAGE_FILES.disk]: finished.disk.identity,
    [STAGE_FILES.state]: finished.state.identity,
    ...(finished.ram !== null && { [STAGE_FILES.ram]: finished.ram.identity }),
  });
  report({ kind: 'stage-done', stage: 'snapshot', key, durationMs: performance.now() - startMs });
  return made;
}

function requireZstd(zstd: string | undefined): string {
  if (zstd === undefined)
    throw new VmError('`zstd` is not installed', { hint: '`cygstrap doctor` tells how to install it' });
  return zstd;
}

interface TestRevive {
  readonly manifest: SnapshotManifest;
  readonly directory: string;
  readonly number: string;
  readonly shares: { readonly store: string; readonly xchg: string };
}

/** Proves that a snapshot revives: a machine that had only booted would not know the number. */
async function testRevive(context: StageContext, { manifest, directory, number, shares }: TestRevive): Promise<void> {
  const { guest, report, signal } = context;
  report({ kind: 'stage-step', stage: 'snapshot', text: 'revive it once' });
  await using revived = await revive(context, { manifest, directory, shares, canBootInstead: false });
  const { readNumber, checkShares } = guest.commands;
  const said = await requireDone(revived.line.run, inTurn([checkShares, readNumber]), { signal });
  if (said.trim() !== number)
    throw new GuestError(
      'guest',
      `the revived machine does not know the number in its RAM: it says ${JSON.stringify(said.trim())}`,
    );
}
