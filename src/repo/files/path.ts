import { CygstrapError } from '../../errors.ts';
import { pathFaults } from '../../core/setup-ini/paths.ts';
import type { RepoPath } from './file.ts';

/** Takes a path of an index or lock as one below a repo. Throws code `repo` for a path that could leave it or that some
 *  system cannot hold: `..`, absolute, drive, backslash, control characters, device names, trailing dots or blanks. */
export function parseRepoPath(path: string): RepoPath {
  const faults = pathFaults(path);
  if (faults.length > 0) {
    throw new CygstrapError('repo', `the path \`${path}\` is refused: ${faults.join(', ')}`, {
      hint: 'an index with such a path is broken or hostile; use another site',
    });
  }
  return path as RepoPath;
}
