import { chmod, open, rm } from 'node:fs/promises';
import { createAtomically } from '../io/atomic-file.ts';
import type { FlashFile, Host } from './base/host.ts';
import { runProgram } from '../io/program.ts';
import { fieldOf, parseObject } from './qmp/values.ts';
import { requireTool } from './base/require.ts';
import type { DiskFormat } from './base/spec.ts';
import { VmError, vmErrorOf } from './base/vm-error.ts';

/** Copying some gigabytes takes minutes on a slow disk. */
const COPY_TIMEOUT_MS = 30 * 60_000;
const SHORT_TIMEOUT_MS = 60_000;

/** The facts that `qemu-img` reports about an image. */
export interface DiskImage {
  readonly format: string;
  /** Size of the virtual disk. */
  readonly sizeBytes: number;
  /** Space used on the host. */
  readonly usedBytes: number;
  /** Path of the image below this layer. */
  readonly backing: string | undefined;
}

export interface DiskOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Creates an empty disk image; the path must not exist. Throws VmError, as all functions of this file. */
export async function createDisk(
  host: Host,
  { path, format, sizeMiB }: { readonly path: string; readonly format: DiskFormat; readonly sizeMiB: number },
  options: DiskOptions = {},
): Promise<void> {
  await make(host, ['-f', format, path, `${sizeMiB}M`], { path, ...options });
}

/** Creates a qcow2 layer over a disk image; writes go to the layer. The image must not change afterwards. */
export async function createOverlay(
  host: Host,
  { path, base, baseFormat }: { readonly path: string; readonly base: string; readonly baseFormat: DiskFormat },
  options: DiskOptions = {},
): Promise<void> {
  await make(host, ['-f', 'qcow2', '-F', baseFormat, '-b', base, path], { path, ...options });
}

/** Creates the variables of a new UEFI machine in qcow2; the path must not exist. A raw file could not be saved with a
 *  machine. */
export async function createVariables(
  host: Host,
  { path, from }: { readonly path: string; readonly from: FlashFile },
  options: DiskOptions = {},
): Promise<void> {
  await createAtomically(path, async (temporary) => {
    const words = ['convert', '-f', from.format, '-O', 'qcow2', from.path, temporary];
    await qemuImg(host, words, { timeoutMs: SHORT_TIMEOUT_MS, ...options });
  });
}

/** Copies a disk image with all layers below it into one read-only file (0444), a base for overlays. It appears
 *  complete or not at all. */
export async function flattenDisk(
  host: Host,
  { from, to }: { readonly from: string; readonly to: string },
  options: DiskOptions = {},
): Promise<void> {
  await createAtomically(to, async (temporary) => {
    await qemuImg(host, ['convert', '-O', 'qcow2', from, temporary], { timeoutMs: COPY_TIMEOUT_MS, ...options });
    await chmod(temporary, 0o444);
  });
}

/** Writes the content of a layer into the image below it. */
export async function commitOverlay(host: Host, path: string, options: DiskOptions = {}): Promise<void> {
  await qemuImg(host, ['commit', '-q', path], { timeoutMs: COPY_TIMEOUT_MS, ...options });
}

/** Makes a disk image read-only for everyone, so that overlays over it stay valid. */
export async function sealDisk(path: string): Promise<void> {
  await chmod(path, 0o444);
}

/** Returns the facts about an image; works while a machine uses it. */
export async function inspectDisk(host: Host, path: string, options: DiskOptions = {}): Promise<DiskImage> {
  const text = await qemuImg(host, ['info', '-U', '--output=json', path], { timeoutMs: SHORT_TIMEOUT_MS, ...options });
  const info = parseObject(text);
  const [format, sizeBytes, usedBytes, backing] = [
    'format',
    'virtual-size',
    'actual-size',
    'full-backing-filename',
  ].map((name) => fieldOf(info, name));
  if (typeof format !== 'string' || typeof sizeBytes !== 'number' || typeof usedBytes !== 'number')
    throw new VmError(`unexpected output of \`qemu-img info\` for \`${path}\``);
  return { format, sizeBytes, usedBytes, backing: typeof backing === 'string' ? backing : undefined };
}

/** Throws VmError for a qcow2 image with inconsistent metadata. */
export async function checkDisk(host: Host, path: string, options: DiskOptions = {}): Promise<void> {
  await qemuImg(host, ['check', '-q', path], { timeoutMs: COPY_TIMEOUT_MS, ...options });
}

async function make(
  host: Host,
  words: readonly string[],
  { path, signal }: DiskOptions & { readonly path: string },
): Promise<void> {
  try {
    // `qemu-img` would overwrite an existing file.
    await (await open(path, 'wx', 0o600)).close();
  } catch (cause) {
    throw new VmError(`cannot create the disk \`${path}\``, { cause });
  }
  try {
    await qemuImg(host, ['create', '-q', ...words], { timeoutMs: SHORT_TIMEOUT_MS, signal });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function qemuImg(
  host: Host,
  words: readonly string[],
  options: DiskOptions & { readonly timeoutMs: number },
): Promise<string> {
  const program = requireTool(host, 'qemu-img');
  try {
    return (await runProgram([program, ...words], options)).toString();
  } catch (error) {
    throw vmErrorOf(error);
  }
}
