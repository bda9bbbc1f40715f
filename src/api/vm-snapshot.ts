import type { InstalledManifest, SnapshotManifest } from '../stages/manifest.ts';
import { snapshotStage } from '../stages/snapshot.ts';
import { contextOf } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';

export interface VmSnapshotRequest {
  /** Result of `installVm` or `findInstalled`. */
  readonly installed: InstalledManifest;
  /** Store the memory as one compressed stream, which can be copied to another host, but resumes more slowly.
   *  Default: false. */
  readonly isPortable?: boolean | undefined;
  /** Longest duration of the boot in milliseconds; by default that of the guest kind. */
  readonly bootTimeoutMs?: number | undefined;
}

/** Boots an installed disk, connects its shares, saves the running machine and resumes it once, or returns the
 *  existing snapshot. Throws `guest`, `vm`, `io`, and the reason of the signal; then nothing is published. */
export async function snapshotVm(
  { installed, isPortable = false, bootTimeoutMs }: VmSnapshotRequest,
  context: VmContext,
): Promise<SnapshotManifest> {
  return snapshotStage(contextOf(context, installed), { installed, isPortable, bootTimeoutMs });
}
