import type { SnapshotManifest } from '../stages/manifest.ts';
import { shellStage } from '../stages/run.ts';
import type { GuestSettings } from '../stages/run.ts';
import { contextOf, prepareVm } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';
import { findSnapshot } from './vm-find.ts';

export interface VmShellRequest extends GuestSettings {
  /** By default the newest snapshot. */
  readonly snapshot?: SnapshotManifest | undefined;
}

/** Resumes a snapshot and connects the user's terminal to a shell in the guest; discards the machine at the end.
 *  Returns the exit code of the shell, or null if it was killed or the topology has no terminal. Throws as `runVm`
 *  does. */
export async function openShell(
  { snapshot: given, ...request }: VmShellRequest = {},
  context?: VmContext,
): Promise<number | null> {
  context ??= await prepareVm();
  const snapshot = given ?? (await findSnapshot(undefined, context));
  const { signal } = context;
  const code = await shellStage(contextOf(context, snapshot), snapshot, request);
  signal.throwIfAborted();
  return code;
}
