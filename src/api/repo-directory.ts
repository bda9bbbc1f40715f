import { stat } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import { ioError, isMissing } from '../io/system-error.ts';

/** Throws `not-found` unless the directory of a repo exists, and `io`. A repo that is read cannot be a new one. */
export async function requireRepoDirectory(repo: string): Promise<void> {
  const status = await stat(repo).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw ioError(error, 'read the status of', repo);
  });
  if (status?.isDirectory() === true) return;
  throw new CygstrapError('not-found', `${status === undefined ? 'no such' : 'not a'} directory: \`${repo}\``, {
    hint: 'name the directory of a repo; `cygstrap fetch --repo DIR` fills one',
  });
}
