import { chmod, open, rm } from 'node:fs/promises';
import { createAtomically } from '../io/atomic-file.ts';
import type { Host } from './host.ts';
import { runProgram } from '../io/program.ts';
import { fieldOf } from './qmp/commands.ts';
import type { DiskFormat } from './spec.ts';
import { VmError, vmErrorOf } from './vm-error.ts';

/** Copying a disk of some gigabytes takes minutes on a slow one. */
const COPY_TIMEOUT_MS = 30 * 60_000;
const SHORT_TIMEOUT_MS = 60_000;

/** What `qemu-img` says of an image. */
export interface DiskImage {
  readonly format: string;
  /** As the guest sees it. */
  readonly sizeBytes: number;
  /** What the file takes of the host's disk. */
  readonly usedBytes: number;
  /** The file it is a layer over. */
  readonly backing: string | undefined;
}

export interface DiskOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Makes an empty disk image; nothing may be there. Throws VmError, as all of this file. */
export async function createDisk(
  host: Host,
  { path, format, sizeMiB }: { readonly path: string; readonly format: DiskFormat; readonly sizeMiB: number },
  options: DiskOptions = {},
): Promise<void> {
  await make(host, ['-f', format, path, `${sizeMiB}M`], { path, ...options });
}

/** Makes a layer over a disk image, which must not change any more; what is written goes to the layer. */
export async function createOverlay(
  host: Host,
  { path, base, baseFormat }: { readonly path: string; readonly base: string; readonly baseFormat: DiskFormat },
  options: DiskOptions = {},
): Promise<void> {
  await make(host, ['-f', 'qcow2', '-F', baseFormat, '-b', base, path], { path, ...options });
}

/** Copies a disk image with all layers below it into one file that depends on no other, and takes its right to be written (0444): a base
 *  for overlays. It appears whole or not at all. */
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

/** Writes what is in a layer into the image below it. */
export async function commitOverlay(host: Host, path: string, options: DiskOptions = {}): Promise<void> {
  await qemuImg(host, ['commit', '-q', path], { timeoutMs: COPY_TIMEOUT_MS, ...options });
}

/** Takes the right to write a disk image away from everybody, so that overlays over it stay true. */
export async function sealDisk(path: string): Promise<void> {
  await chmod(path, 0o444);
}

/** Tells what an image is. Works on one that a machine uses. */
export async function inspectDisk(host: Host, path: string, options: DiskOptions = {}): Promise<DiskImage> {
  const text = await qemuImg(host, ['info', '-U', '--output=json', path], { timeoutMs: SHORT_TIMEOUT_MS, ...options });
  const info: unknown = JSON.parse(text);
  const [format, sizeBytes, usedBytes, backing] = [
    'format',
    'virtual-size',
    'actual-size',
    'full-backing-filename',
  ].map((name) => fieldOf(info, name));
  if (typeof format !== 'string' || typeof sizeBytes !== 'number' || typeof usedBytes !== 'number')
    throw new VmError(`\`qemu-img\` says nothing of \`${path}\` that we understand`);
  return { format, sizeBytes, usedBytes, backing: typeof backing === 'string' ? backing : undefined };
}

/** Throws VmError for a qcow2 image whose own tables contradict each other. */
export async function checkDisk(host: Host, path: string, options: DiskOptions = {}): Promise<void> {
  await qemuImg(host, ['check', '-q', path], { timeoutMs: COPY_TIMEOUT_MS, ...options });
}

async function make(
  host: Host,
  words: readonly string[],
  { path, signal }: DiskOptions & { readonly path: string },
): Promise<void> {
  try {
    // `qemu-img` would write over what is there.
    await (await open(path, 'wx', 0o600)).close();
  } catch (cause) {
    throw new VmError(`cannot make the disk \`${path}\``, { cause });
  }
  try {
    await qemuImg(host, ['create', '-q', ...words], { timeoutMs: SHORT_TIMEOUT_MS, signal });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function qemuImg(
  { tools }: Host,
  words: readonly string[],
  options: DiskOptions & { readonly timeoutMs: number },
): Promise<string> {
  const program = tools['qemu-img'];
  if (program === undefined)
    throw new VmError('`qemu-img` is not installed', { hint: '`cygstrap doctor` tells how to install it' });
  try {
    return (await runProgram([program, ...words], { setpriv: tools.setpriv, ...options })).toString();
  } catch (error) {
    throw vmErrorOf(error);
  }
}
