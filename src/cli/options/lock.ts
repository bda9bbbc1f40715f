import { DEFAULTS } from '../../api/defaults.ts';
import { documentDefault, flag, grouped, value } from './declare.ts';

/** The lock of a command line that names none. */
export const LOCK_DEFAULT = `${DEFAULTS.lock} beside the project file`;

/** Hint for packages on the command line of a command that takes those of the lock. */
export const LOCKED_PACKAGES = 'its packages are those of the lock: add some with `cygstrap add NAME`';

/** The lock of a project. */
export const LOCK_OPTIONS = grouped('Request', {
  lock: documentDefault(value('FILE', 'Use this file as the lock'), LOCK_DEFAULT),
});

/** Options of every command that writes a lock. */
export const LOCKING_OPTIONS = {
  ...LOCK_OPTIONS,
  ...grouped('Request', { 'allow-undigested': flag('Accept archives for which the index gives no digest') }),
};

interface Asked {
  /** The name of the project file; undefined without one. */
  readonly file: string | undefined;
  /** Whether the command line has a request or names what to use instead of a lock. Default: false. */
  readonly isOnCommandLine?: boolean;
}

/** Returns the lock that a command reads, as `lockFileOf`. Throws `usage` if nothing is asked for: without a request, a
 *  project file and a lock. */
export async function knownLockOf(args: { readonly lock: string | undefined }, asked: Asked): Promise<string> {
  const lock = await lockFileOf(args, asked);
  if (args.lock === undefined && asked.file === undefined && asked.isOnCommandLine !== true)
    await (await import('../../api/nothing-asked.ts')).requireLockFile(lock);
  return lock;
}

/** Returns the lock of a command line, or else the one beside the project file. */
export async function lockFileOf(
  { lock }: { readonly lock: string | undefined },
  project: { readonly file: string | undefined },
): Promise<string> {
  return lock ?? (await import('../../api/project.ts')).lockBeside(project.file);
}
