import { openDisk } from '../vm/disk-reader.ts';
import type { Host } from '../vm/base/host.ts';
import { TABLE_BYTES, windowsPartitions } from '../vm/partition-table.ts';
import { NtfsVolume } from './ntfs/volume.ts';
import { decodeLog } from './setup-logs.ts';
import type { LogText } from './setup-logs.ts';

/** Longest part of a log that is read: its end. */
const LONGEST_LOG_BYTES = 4 * 1024 * 1024;

export interface DiskLogs {
  /** The logs that exist, in the order of the paths. */
  readonly logs: readonly LogText[];
  /** What could not be read, and why: one sentence each. */
  readonly problems: readonly string[];
}

/** Reads logs from the largest NTFS partition of a disk that no machine uses, without root and without copying it: of
 *  each log the last 4 MiB. Throws only the reason of the signal. */
export async function readDiskLogs(
  host: Host,
  disk: string,
  { paths, signal }: { readonly paths: readonly string[]; readonly signal: AbortSignal },
): Promise<DiskLogs> {
  const logs: LogText[] = [];
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await attempt('the disk', async () => {
    await using reader = await openDisk(host, disk, signal);
    const [partition] = windowsPartitions(await reader.read(0, TABLE_BYTES)).sort((a, b) => b.sizeBytes - a.sizeBytes);
    if (partition === undefined) {
      problems.push('the disk has no partition for Windows: Setup has not made it yet, or it failed before');
      return;
    }
    const { startBytes, sizeBytes } = partition;
    const volume = await NtfsVolume.open((offset, length) =>
      reader.read(startBytes + offset, Math.min(length, sizeBytes - offset)),
    );
    for (const path of paths) {
      await attempt(path, async () => {
        const bytes = await volume.readEnd(path, LONGEST_LOG_BYTES);
        if (bytes !== undefined) logs.push({ name: path, text: decodeLog(bytes) });
      });
    }
  });
  return { logs, problems };
}
