import type { InstalledManifest, SnapshotManifest } from '../stages/manifest.ts';
import { snapshotStage } from '../stages/snapshot.ts';
import type { VmContext } from './vm-context.ts';

export interface VmSnapshotRequest {
  /** What `installVm` or `findInstalled` gave. */
  readonly installed: InstalledManifest;
  /** Memory goes into one compressed stream, which can be copied to another host but resumes slower; by default it does not. */
  readonly isPortable?: boolean | undefined;
  /** How long the guest may take to boot; by default ten minutes. */
  readonly bootTimeoutMs?: number | undefined;
}

const BOOT_TIMEOUT_MS = 10 * 60_000;

/** Boots an installed disk, connects its shares, freezes it and resumes it once, unless such a snapshot is there already. Throws `guest` and
 *  `vm`, `io`, and the reason of the signal; nothing is published then. */
export async function snapshotVm(
  { installed, isPortable = false, bootTimeoutMs = BOOT_TIMEOUT_MS }: VmSnapshotRequest,
  context: VmContext,
): Promise<SnapshotManifest> {
  return snapshotStage(context, { installed, isPortable, bootTimeoutMs });
}
