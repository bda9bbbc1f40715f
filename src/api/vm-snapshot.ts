import type { InstalledManifest, SnapshotManifest } from '../stages/manifest.ts';
import { snapshotStage } from '../stages/snapshot.ts';
import { contextOf, prepareVm } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';
import { findInstalled } from './vm-find.ts';

export interface VmSnapshotRequest {
  /** Result of `installVm` or `findInstalled`; by default the newest installed disk. */
  readonly installed?: InstalledManifest | undefined;
  /** Store the memory as one compressed stream, which can be copied to another host, but resumes more slowly.
   *  Default: false. */
  readonly isPortable?: boolean | undefined;
  /** Longest duration of the boot in milliseconds; by default that of the guest kind. */
  readonly bootTimeoutMs?: number | undefined;
}

/** Boots an installed disk, connects its shares, saves the running machine and resumes it once, or returns the
 *  existing snapshot. Throws `guest`, `vm`, `io`, and the reason of the signal; then nothing is published. */
export async function snapshotVm(
  { installed: given, isPortable = false, bootTimeoutMs }: VmSnapshotRequest = {},
  context?: VmContext,
): Promise<SnapshotManifest> {
  context ??= await prepareVm();
  const installed = given ?? (await findInstalled(undefined, context));
  return snapshotStage(contextOf(context, installed), { installed, isPortable, bootTimeoutMs });
}
