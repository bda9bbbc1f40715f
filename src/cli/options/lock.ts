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

/** Returns the lock of a command line, or else the one beside the project file. */
export async function lockFileOf(
  { lock }: { readonly lock: string | undefined },
  project: { readonly file: string | undefined },
): Promise<string> {
  return lock ?? (await import('../../api/project.ts')).lockBeside(project.file);
}
