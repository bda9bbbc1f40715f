import { join } from 'node:path';
import { createOverlay } from '../vm/disk.ts';
import { loadMemory } from '../vm/memory-image.ts';
import type { Machine } from '../vm/machine.ts';
import { makeRunDirectory } from '../vm/run-directory.ts';
import { startMachine } from '../vm/start.ts';
import { VmError } from '../vm/vm-error.ts';
import { digestOf, hostCpu } from './context.ts';
import type { StageContext } from './context.ts';
import { STAGE_FILES, stagePath } from './layout.ts';
import { machineSpec } from './machine-spec.ts';
import { changeOf } from './manifest.ts';
import type { SnapshotManifest } from './manifest.ts';
import type { Line, SharedDirectories } from './topology.ts';
import { wire } from './wire.ts';
import { openWork } from './workshop.ts';

export interface ReviveRequest {
  readonly manifest: SnapshotManifest;
  /** Where the files of the snapshot are, when it is not published yet. */
  readonly directory?: string;
  readonly shares: SharedDirectories | ((work: string) => Promise<SharedDirectories>);
  /** Whether a machine that cannot go on here is booted instead, with a warning. */
  readonly canBootInstead: boolean;
  readonly consoleLog?: string;
}

/** A machine that went on where its snapshot stood; disposing of it ends it and discards what it wrote. */
export interface Revived extends AsyncDisposable {
  readonly machine: Machine;
  readonly line: Line;
  readonly shares: SharedDirectories;
  /** Its directory, which goes with it unless kept. */
  readonly work: { readonly path: string; keep(): void };
  /** It was booted, and its shares are not connected. */
  readonly isCold: boolean;
}

const LOAD_TIMEOUT_MS = 30 * 60_000;
const ANSWER_TIMEOUT_MS = 60_000;
const BOOT_TIMEOUT_MS = 10 * 60_000;

/** Revives a snapshot over a throw-away layer of its disk; what it writes to RAM is its own. Its ssh answers the first call. Throws VmError,
 *  also for a snapshot whose files are not as they were published. */
export async function revive(context: StageContext, request: ReviveRequest): Promise<Revived> {
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
async function start(context: StageContext, request: ReviveRequest, owned: AsyncDisposable[]): Promise<Omit<Revived, typeof Symbol.asyncDispose>> {
  const { places, guest, host, report, signal } = context;
  const { manifest, canBootInstead } = request;
  const directory = request.directory ?? stagePath(places, 'snapshot', manifest.key);
  const own = await openWork(places, [
    { stage: 'install', key: manifest.install },
    { stage: 'snapshot', key: manifest.key },
  ]);
  owned.push(own);
  const run = await makeRunDirectory();
  owned.push(run);
  const [shares] = await Promise.all([typeof request.shares === 'function' ? request.shares(own.path) : request.shares, requireUnchanged(manifest, directory)]);
  const below = stagePath(places, 'install', manifest.install);
  const differs = differenceOf(context, manifest);
  if (differs !== undefined && !canBootInstead) throw new VmError(`the snapshot cannot go on here: ${differs}`);
  if (differs !== undefined) report({ kind: 'warning', message: `the snapshot cannot go on here, so its disk is booted instead, which takes longer: ${differs}` });
  const isCold = differs !== undefined;
  const disk = join(own.path, STAGE_FILES.disk);
  // The disk of a machine that stood still is not whole without its RAM: only the one below it can be booted.
  const overlay = createOverlay(host, { path: disk, base: join(isCold ? below : directory, STAGE_FILES.disk), baseFormat: 'qcow2' }, { signal });
  overlay.catch(() => {});
  const wiring = await wire(context, { shares, directory: run.path, installed: below });
  owned.push(wiring);
  await overlay;
  const template = guest.bootMachine({ disk: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' }, directory: below, link: wiring.link });
  const isMapped = manifest.ram !== null && !isCold;
  const spec = machineSpec(template, manifest.wishes, {
    name: 'guest',
    backing: isMapped ? { kind: 'file', path: join(directory, STAGE_FILES.ram), isShared: false } : { kind: 'private' },
    start: isCold ? 'running' : 'incoming',
    onReset: 'exit',
    ...(!isCold && { machineType: manifest.machine.machineType, accelerator: manifest.machine.accelerator }),
  });
  const machine = await startMachine(spec, host, { directory: run.path, signal, report, consoleLog: request.consoleLog });
  owned.push(machine);
  if (!isCold) {
    const { zstd, setpriv } = host.tools;
    if (manifest.ram === null && zstd === undefined) throw new VmError('`zstd` is not installed', { hint: '`cygstrap doctor` tells how to install it' });
    const compression = manifest.ram === null ? ({ kind: 'zstd', zstd: zstd ?? '', setpriv } as const) : ({ kind: 'none' } as const);
    await loadMemory(machine, { path: join(directory, STAGE_FILES.state), compression, timeoutMs: LOAD_TIMEOUT_MS, signal });
    await machine.qmp.command('cont', {}, { signal });
  }
  const line = wiring.lineTo(machine);
  await line.untilAnswers({ isBooting: isCold, timeoutMs: isCold ? BOOT_TIMEOUT_MS : ANSWER_TIMEOUT_MS, signal });
  return { machine, line, shares, work: own, isCold };
}

/** Why a snapshot cannot go on on this host; undefined when it can, as far as is known. */
function differenceOf({ host }: StageContext, { machine }: SnapshotManifest): string | undefined {
  if (host.qemu === undefined) return undefined;
  if (host.qemu.version !== machine.qemu) return `it was made by QEMU ${machine.qemu}, and here is ${host.qemu.version}`;
  if (!host.qemu.accelerators.some(({ name, works }) => name === machine.accelerator && works)) return `it was made with the accelerator \`${machine.accelerator}\`, which does not work here`;
  if (machine.hostCpu !== null && machine.hostCpu !== hostCpu()) return `it was made on another processor: ${machine.hostCpu}`;
  return undefined;
}

/** Throws VmError when a file of a snapshot is not as it was published. */
async function requireUnchanged({ key, disk, state, ram }: SnapshotManifest, directory: string): Promise<void> {
  const stamps = { [STAGE_FILES.disk]: disk, [STAGE_FILES.state]: state, ...(ram !== null && { [STAGE_FILES.ram]: ram }) };
  const changes = await Promise.all(Object.entries(stamps).map(([name, stamp]) => changeOf(join(directory, name), stamp, digestOf)));
  const changed = changes.find((change) => change !== undefined);
  if (changed !== undefined) throw new VmError(`the snapshot is not what it was: ${changed}`, { hint: `remove it with \`cygstrap vm rm ${key}\`, and it is made anew` });
}
