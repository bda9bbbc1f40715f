import type { Host } from '../vm/base/host.ts';
import { installPackages } from '../vm/probe/install.ts';
import { installCommands, needsOf } from '../vm/probe/needs.ts';
import type { InstallCommand, Need } from '../vm/probe/needs.ts';
import { probeHost } from '../vm/probe/probe.ts';
import type { OperationContext } from './context.ts';

export interface DoctorResult {
  /** System in Node.js terms: `linux`, `darwin`, `win32`. Machines run on `linux` only. */
  readonly platform: string;
  readonly host: Host;
  readonly needs: readonly Need[];
  /** Commands that install everything that is missing, for each distribution, that of this host first; empty if
   *  nothing is missing, and on other systems than Linux. */
  readonly mends: readonly InstallCommand[];
  /** Whether this is Linux and all requirements are met. */
  readonly isReady: boolean;
}

/** Returns what this computer has and what it lacks for running machines. Throws only the reason of the signal. */
export async function examineHost({ env = process.env, signal }: OperationContext = {}): Promise<DoctorResult> {
  return examined(await probeHost({ environment: env, ...(signal !== undefined && { signal }) }));
}

/** Compares a host, and its system in Node.js terms, with the requirements of machines. */
export function examined(host: Host, platform: string = process.platform): DoctorResult {
  const needs = needsOf(host);
  const isLinux = platform === 'linux';
  return {
    platform,
    host,
    needs,
    mends: isLinux ? installCommands(needs, host.distribution.family) : [],
    isReady: isLinux && needs.every(({ isMet, isRequired }) => isMet || !isRequired),
  };
}

export interface FixContext extends OperationContext {
  /** Whether this process is root. Default: its user id is 0. */
  readonly isRoot?: boolean | undefined;
  /** Receives the output of the package manager. Default: it is dropped. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** Installs what is missing with the package manager of this system. Returns the command to run if it needs root or
 *  belongs to another distribution, otherwise undefined. Throws VmError if the installation fails. */
export async function fixHost(
  { host, mends }: DoctorResult,
  { env = process.env, isRoot = process.getuid?.() === 0, onOutput = () => {} }: FixContext = {},
): Promise<InstallCommand | undefined> {
  const [command] = mends;
  if (command === undefined) return undefined;
  if (command.family !== host.distribution.family || (command.needsRoot && !isRoot)) return command;
  await installPackages(command, { environment: env, onOutput });
  return undefined;
}
