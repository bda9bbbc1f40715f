import { CygstrapError } from '../../errors.ts';
import { pathFaults } from '../../core/setup-ini/paths.ts';
import type { RepoPath } from './file.ts';

/** Parses a path of an index or lock as a path in a repo. Throws `repo` for a path that leads out of the repo or that
 *  is invalid on some system: `..`, absolute, drive, backslash, control characters, device names, trailing dots or
 *  blanks. */
export function parseRepoPath(path: string): RepoPath {
  const faults = pathFaults(path);
  if (faults.length > 0) {
    throw new CygstrapError('repo', `refused path \`${path}\`: ${faults.join(', ')}`, {
      hint: 'the index is broken or hostile; use another site',
    });
  }
  return path as RepoPath;
}
