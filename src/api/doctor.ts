import type { Host } from '../vm/host.ts';
import { installPackages } from '../vm/probe/install.ts';
import { installCommands, needsOf } from '../vm/probe/needs.ts';
import type { InstallCommand, Need } from '../vm/probe/needs.ts';
import { probeHost } from '../vm/probe/probe.ts';

export interface DoctorContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

export interface DoctorResult {
  readonly host: Host;
  readonly needs: readonly Need[];
  /** What installs all that is missing, for each distribution, this one's first; empty where nothing is missing. */
  readonly mends: readonly InstallCommand[];
  /** Whether everything required is there. */
  readonly isReady: boolean;
}

/** Tells what this computer has and lacks for running machines. Throws only the reason of the signal. */
export async function examineHost({ environment, signal }: DoctorContext): Promise<DoctorResult> {
  return examined(await probeHost({ environment, ...(signal !== undefined && { signal }) }));
}

/** Compares a host with what machines need. */
export function examined(host: Host): DoctorResult {
  const needs = needsOf(host);
  return {
    host,
    needs,
    mends: installCommands(needs, host.distribution.family),
    isReady: needs.every(({ isMet, isRequired }) => isMet || !isRequired),
  };
}

export interface MendContext extends DoctorContext {
  readonly isRoot: boolean;
  readonly onOutput: (text: string) => void;
}

/** Installs what is missing with the package manager of this system, where we may. Gives the command that somebody else must run, or
 *  undefined when it was run. Throws VmError when it failed. */
export async function mendHost(
  { host, mends }: DoctorResult,
  { environment, isRoot, onOutput }: MendContext,
): Promise<InstallCommand | undefined> {
  const [mend] = mends;
  if (mend === undefined) return undefined;
  if (mend.family !== host.distribution.family || (mend.needsRoot && !isRoot)) return mend;
  await installPackages(mend, { environment, onOutput });
  return undefined;
}
