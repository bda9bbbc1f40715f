import { open } from 'node:fs/promises';
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

/** A part of the virtual disk: its place in the image file, or zeros. */
interface Extent {
  readonly start: number;
  readonly length: number;
  readonly at: number | 'zeros' | 'unreadable';
}

const MAP_TIMEOUT_MS = 60_000;

/** A disk of 64 GiB in scattered clusters of 64 KiB has a million extents of 100 bytes. */
const LONGEST_MAP_BYTES = 128 * 1024 * 1024;

/** Opens a qcow2 image without a backing file for reading: `qemu-img map` tells where the content is in the file. Needs
 *  no root, copies nothing. Compressed content cannot be read. Throws VmError, errors of the system, and the reason of
 *  the signal. */
export async function openDisk(host: Host, path: string, signal?: AbortSignal): Promise<DiskReader> {
  const extents = await extentsOf(host, path, signal);
  const last = extents.at(-1);
  const sizeBytes = last === undefined ? 0 : last.start + last.length;
  const file = await open(path, 'r');
  const read = async (offsetBytes: number, lengthBytes: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(lengthBytes, sizeBytes - offsetBytes)));
    const endBytes = offsetBytes + bytes.length;
    for (let i = firstAt(extents, offsetBytes); i < extents.length; i++) {
      const extent = extents[i];
      if (extent === undefined || extent.start >= endBytes) break;
      signal?.throwIfAborted();
      if (extent.at === 'zeros') continue;
      if (extent.at === 'unreadable') throw new VmError(`\`${path}\` has content that cannot be read in place`);
      const from = Math.max(offsetBytes, extent.start);
      const length = Math.min(endBytes, extent.start + extent.length) - from;
      const { bytesRead } = await file.read(bytes, from - offsetBytes, length, extent.at + from - extent.start);
      if (bytesRead !== length) throw new VmError(`\`${path}\` is truncated`);
    }
    return bytes;
  };
  return { sizeBytes, read, [Symbol.asyncDispose]: () => file.close() };
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

async function extentsOf(host: Host, path: string, signal: AbortSignal | undefined): Promise<Extent[]> {
  let map: unknown;
  try {
    const words = [requireTool(host, 'qemu-img'), 'map', '-U', '--output=json', path];
    const options = { timeoutMs: MAP_TIMEOUT_MS, longestOutputBytes: LONGEST_MAP_BYTES, signal };
    map = JSON.parse((await runProgram(words, options)).toString());
  } catch (error) {
    throw vmErrorOf(error);
  }
  return listOf(map).map((each) => {
    const [start, length, offset] = ['start', 'length', 'offset'].map((name) => fieldOf(each, name));
    if (typeof start !== 'number' || typeof length !== 'number')
      throw new VmError(`unexpected output of \`qemu-img map\` for \`${path}\``);
    const isHere = fieldOf(each, 'depth') === 0 && typeof offset === 'number';
    return { start, length, at: fieldOf(each, 'data') === false ? 'zeros' : isHere ? offset : 'unreadable' };
  });
}
