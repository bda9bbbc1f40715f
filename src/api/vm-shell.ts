import type { SnapshotManifest } from '../stages/manifest.ts';
import { shellStage } from '../stages/run.ts';
import type { GuestSettings } from '../stages/run.ts';
import { contextOf } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';

export interface VmShellRequest extends GuestSettings {
  readonly snapshot: SnapshotManifest;
}

/** Resumes a snapshot and connects the user's terminal to a shell in the guest; discards the machine at the end.
 *  Returns the exit code of the shell, or null if it was killed or the topology has no terminal. Throws as `runVm`
 *  does. */
export async function openShell({ snapshot, ...request }: VmShellRequest, context: VmContext): Promise<number | null> {
  const { signal } = context;
  const code = await shellStage(contextOf(context, snapshot), snapshot, request);
  signal.throwIfAborted();
  return code;
}
