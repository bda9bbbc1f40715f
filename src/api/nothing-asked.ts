import { CygstrapError } from '../errors.ts';
import { exists } from '../io/directories.ts';

/** Makes the error for a command without packages, a project file or a lock. */
export function nothingAsked(): CygstrapError {
  return new CygstrapError('usage', 'nothing is asked for: no packages and no project file are given', {
    hint:
      'name packages or `--category Base`, as in `cygstrap lock git`, ' +
      'or create a project file with `cygstrap init`',
  });
}

/** Throws {@link nothingAsked} without a lock, for a command that has no other request. Throws `io`. */
export async function requireLockFile(lock: string): Promise<void> {
  if (!(await exists(lock))) throw nothingAsked();
}
