import { CygstrapError } from '../../errors.ts';
import { archivePathFaults } from '../../core/setup-ini/paths.ts';
import type { UncheckedFile } from './archive-file.ts';
import type { RepoFile, RepoPath } from './file.ts';
import { INDEX_NAME, OWN_SUFFIXES, requireArch } from './layout.ts';

/** Number of refused paths that a message lists; the details have all. */
const SHOWN_PATHS = 20;

/** Parses a path of an index, lock or bundle as a path that a repo may have: one below a directory of archives
 *  (`archivePathFaults`), without a name that is reserved for indexes and unfinished files. Throws `repo` otherwise. */
export function parseRepoPath(path: string): RepoPath {
  requirePaths([path]);
  return path as RepoPath;
}

/** Parses the paths of files as `parseRepoPath` does; keeps all other properties. Throws one `repo` with all refused
 *  paths. */
export function parseRepoFiles<File extends UncheckedFile>(files: readonly File[]): (File & RepoFile)[] {
  requirePaths(files.map(({ path }) => path));
  return files as readonly (File & RepoFile)[] as (File & RepoFile)[];
}

/** The setup program of an architecture and its signature, where paths of an index start. Their names are chosen by
 *  cygstrap, not by an index. Throws `repo` for an invalid architecture. */
export function installerPaths(arch: string): { readonly program: RepoPath; readonly signature: RepoPath } {
  const program = `setup-${requireArch(arch)}.exe` as RepoPath;
  return { program, signature: `${program}.sig` as RepoPath };
}

function requirePaths(paths: readonly string[]): void {
  const refused = new Map<string, string>();
  for (const path of paths) {
    const faults = faultsOf(path);
    if (faults.length > 0) refused.set(path, faults.join(', '));
  }
  const [first] = refused;
  if (first === undefined) return;
  const lines = [...refused].map(([path, faults]) => `\n  - \`${path}\` ${faults}`);
  throw new CygstrapError(
    'repo',
    refused.size === 1
      ? `refused path \`${first[0]}\`: it ${first[1]}`
      : `${refused.size} paths are refused:${lines.slice(0, SHOWN_PATHS).join('')}` +
          (refused.size > SHOWN_PATHS ? `\n  - ... and ${refused.size - SHOWN_PATHS} more` : ''),
    { hint: 'the index is broken or hostile; use another site', details: { refused: Object.fromEntries(refused) } },
  );
}

function faultsOf(path: string): string[] {
  const faults = archivePathFaults(path);
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (OWN_SUFFIXES.some((suffix) => name.endsWith(suffix))) faults.push('is reserved for files of cygstrap');
  // Setup reads indexes in the directories of the repo and, in the layout `site`, one level below.
  if (INDEX_NAME.test(name) && path.split('/').length <= 3) faults.push('is reserved for an index');
  return faults;
}
