import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { exists } from '../io/directories.ts';
import { checkDisk, createDisk, createOverlay, createVariables, sealDisk } from '../vm/disk.ts';
import type { DiskOptions } from '../vm/disk.ts';
import type { Host } from '../vm/base/host.ts';
import { requireFirmware } from '../vm/base/require.ts';
import { finishFile } from './context.ts';
import type { FinishedFile } from './context.ts';
import { STAGE_FILES } from './layout.ts';
import type { MachineOptions } from './manifest.ts';

/** Paths of everything that a machine keeps while it is off. */
export interface MachineStorage {
  readonly disk: string;
  /** Variables of the UEFI firmware; unused by a machine with BIOS. */
  readonly vars: string;
  /** State of the TPM; unused by a machine without one. Its directory belongs to this machine. */
  readonly tpm: string;
}

/** Returns the storage of a machine in a directory of its own. */
export function storageIn(directory: string): MachineStorage {
  const [disk, vars, tpm] = [STAGE_FILES.disk, STAGE_FILES.vars, STAGE_FILES.tpm].map((name) => join(directory, name));
  return { disk, vars, tpm } as MachineStorage;
}

/** Returns the storage of a machine whose disk is a file of the user: its other files are beside that. */
export function storageBeside(disk: string): MachineStorage {
  return { disk, vars: `${disk}.vars.qcow2`, tpm: join(`${disk}.tpm`, STAGE_FILES.tpm) };
}

/** Creates the storage of a new machine: a blank disk, and the variables that its firmware starts with. The TPM creates
 *  its state. Throws VmError. */
export async function createStorage(
  host: Host,
  { disk, vars }: MachineStorage,
  { diskMiB, firmware, signal }: Pick<MachineOptions, 'diskMiB' | 'firmware'> & DiskOptions,
): Promise<void> {
  await createDisk(host, { path: disk, format: 'qcow2', sizeMiB: diskMiB }, { signal });
  if (firmware === 'uefi') await createVariables(host, { path: vars, from: requireFirmware(host).vars }, { signal });
}

export interface LayerOptions extends Pick<MachineOptions, 'firmware' | 'tpm'>, DiskOptions {
  /** The sealed storage below. */
  readonly below: MachineStorage;
  /** Whether the layers name the files below by relative paths, so that both can be moved together. */
  readonly isRelative?: boolean;
}

/** Creates a layer over sealed storage: overlays of the disk and the variables, and a copy of the TPM state. Files that
 *  exist are kept. Throws VmError and errors of the system. */
export async function layerStorage(
  host: Host,
  { disk, vars, tpm }: MachineStorage,
  { below, firmware, tpm: hasTpm, isRelative = false, signal }: LayerOptions,
): Promise<void> {
  const overlay = async (path: string, base: string): Promise<void> => {
    if (await exists(path)) return;
    const name = isRelative ? relative(dirname(path), base) : base;
    await createOverlay(host, { path, base: name, baseFormat: 'qcow2' }, { signal });
  };
  await overlay(disk, below.disk);
  if (firmware === 'uefi') await overlay(vars, below.vars);
  if (!hasTpm || (await exists(tpm))) return;
  await mkdir(dirname(tpm), { recursive: true, mode: 0o700 });
  await copyFile(below.tpm, tpm);
  await chmod(tpm, 0o600);
}

/** Removes the storage of a machine. */
export async function removeStorage({ disk, vars, tpm }: MachineStorage): Promise<void> {
  await Promise.all([disk, vars, tpm].map((path) => rm(path, { force: true })));
}

/** The files of a sealed storage; null for what the machine does not have. */
export interface SealedStorage {
  readonly disk: FinishedFile;
  readonly vars: FinishedFile | null;
  readonly tpm: FinishedFile | null;
}

/** Makes the storage of a machine that has ended read-only, so that layers over it stay valid, and syncs it to the disk
 *  of the host. Throws VmError for inconsistent metadata, and errors of the system. */
export async function sealStorage(
  host: Host,
  { disk, vars, tpm }: MachineStorage,
  { firmware, tpm: hasTpm, signal }: Pick<MachineOptions, 'firmware' | 'tpm'> & DiskOptions,
): Promise<SealedStorage> {
  const seal = async (path: string): Promise<FinishedFile> => {
    await checkDisk(host, path, { signal });
    await sealDisk(path);
    return finishFile(path);
  };
  const sealed = { disk: await seal(disk), vars: firmware === 'uefi' ? await seal(vars) : null };
  if (!hasTpm) return { ...sealed, tpm: null };
  await chmod(tpm, 0o400);
  // The lock file of swtpm.
  await rm(join(dirname(tpm), '.lock'), { force: true });
  return { ...sealed, tpm: await finishFile(tpm) };
}
