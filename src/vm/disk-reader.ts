import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { runProgram } from '../io/program.ts';
import type { Host } from './base/host.ts';
import { requireTool } from './base/require.ts';
import { VmError, vmErrorOf } from './base/vm-error.ts';
import { fieldOf, listOf } from './qmp/values.ts';

/** Reads the content of a disk image that no machine uses. */
export interface DiskReader extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Returns the bytes at an offset of the virtual disk; fewer at its end. Throws VmError and errors of the system. */
  read(offsetBytes: number, lengthBytes: number): Promise<Buffer>;
}

/** A part of the virtual disk: its place in a file of the chain of images, or zeros. */
interface Extent {
  readonly start: number;
  readonly length: number;
  readonly at: { readonly file: number; readonly offset: number } | 'zeros' | 'unreadable';
}

const MAP_TIMEOUT_MS = 60_000;

/** A disk of 64 GiB in scattered clusters of 64 KiB has a million extents of 100 bytes. */
const LONGEST_MAP_BYTES = 128 * 1024 * 1024;

/** Opens a qcow2 image, or an overlay with its backing files, for reading: `qemu-img map` tells where the content is in
 *  the files. Needs no root, copies nothing. Compressed content cannot be read. Throws VmError, errors of the system,
 *  and the reason of the signal. */
export async function openDisk(host: Host, path: string, signal?: AbortSignal): Promise<DiskReader> {
  const extents = await extentsOf(host, path, signal);
  const last = extents.at(-1);
  const sizeBytes = last === undefined ? 0 : last.start + last.length;
  const files: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    for (const each of await chainOf(host, path, signal)) files.push(await open(each, 'r'));
  } catch (error) {
    await close();
    throw error;
  }
  const read = async (offsetBytes: number, lengthBytes: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(lengthBytes, sizeBytes - offsetBytes)));
    const endBytes = offsetBytes + bytes.length;
    for (let i = firstAt(extents, offsetBytes); i < extents.length; i++) {
      const extent = extents[i];
      if (extent === undefined || extent.start >= endBytes) break;
      signal?.throwIfAborted();
      if (extent.at === 'zeros') continue;
      const file = extent.at === 'unreadable' ? undefined : files[extent.at.file];
      if (extent.at === 'unreadable' || file === undefined)
        throw new VmError(`\`${path}\` has content that cannot be read in place`);
      const from = Math.max(offsetBytes, extent.start);
      const length = Math.min(endBytes, extent.start + extent.length) - from;
      const { bytesRead } = await file.read(bytes, from - offsetBytes, length, extent.at.offset + from - extent.start);
      if (bytesRead !== length) throw new VmError(`\`${path}\` is truncated`);
    }
    return bytes;
  };
  return { sizeBytes, read, [Symbol.asyncDispose]: close };
}

/** Returns the index of the extent that contains an offset. */
function firstAt(extents: readonly Extent[], offsetBytes: number): number {
  let [low, high] = [0, extents.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.start + extent.length <= offsetBytes) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the paths of an image and of its backing files, in the order of their depth. */
async function chainOf(host: Host, path: string, signal: AbortSignal | undefined): Promise<string[]> {
  const images = await printedBy(host, ['info', '-U', '--backing-chain', '--output=json', path], signal);
  // QEMU prints the name of a backing file with the directory of its overlay.
  return images.map((each) => String(fieldOf(each, 'filename')));
}

/** Returns the list that `qemu-img` prints as JSON. */
async function printedBy(
  host: Host,
  words: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly unknown[]> {
  try {
    const options = { timeoutMs: MAP_TIMEOUT_MS, longestOutputBytes: LONGEST_MAP_BYTES, signal };
    return listOf(JSON.parse((await runProgram([requireTool(host, 'qemu-img'), ...words], options)).toString()));
  } catch (error) {
    throw vmErrorOf(error);
  }
}

async function extentsOf(host: Host, path: string, signal: AbortSignal | undefined): Promise<Extent[]> {
  return (await printedBy(host, ['map', '-U', '--output=json', path], signal)).map((each) => {
    const [start, length, offset, file] = ['start', 'length', 'offset', 'depth'].map((name) => fieldOf(each, name));
    if (typeof start !== 'number' || typeof length !== 'number')
      throw new VmError(`unexpected output of \`qemu-img map\` for \`${path}\``);
    if (fieldOf(each, 'data') === false) return { start, length, at: 'zeros' };
    const isPlaced = typeof file === 'number' && typeof offset === 'number';
    return { start, length, at: isPlaced ? { file, offset } : 'unreadable' };
  });
}
