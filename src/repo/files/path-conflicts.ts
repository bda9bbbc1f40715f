import { CygstrapError } from '../../errors.ts';
import { caseless } from '../../io/caseless.ts';
import type { RepoFile } from './file.ts';

/** Longest path on Windows without support for long paths, less 60 characters for the directory of the repo. */
const COMFORTABLE_PATH_CHARS = 260 - 60;

/** Returns each file once, in order. Throws `repo` for one path with two contents, for paths that differ in case only,
 *  and for a path that is a directory of another. */
export function distinctFiles<File extends RepoFile>(files: Iterable<File>): File[] {
  const byKey = new Map<string, File>();
  for (const file of files) {
    const key = caseless(file.path);
    const other = byKey.get(key);
    if (other === undefined) byKey.set(key, file);
    else if (other.path !== file.path) {
      throw pathConflict(other, file, 'differ in case only, and are the same file on Windows');
    } else if (!isSameContent(other, file))
      throw pathConflict(other, file, 'have the same path, but different contents');
  }
  const checked = new Set<string>();
  for (const [key, file] of byKey) {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      const directory = key.slice(0, end);
      if (checked.has(directory)) break;
      checked.add(directory);
      const other = byKey.get(directory);
      if (other !== undefined) throw pathConflict(other, file, 'conflict: one is a directory of the other');
    }
  }
  return [...byKey.values()];
}

/** Returns the number of paths that programs on Windows without support for long paths may be unable to open, and the
 *  longest one; undefined if there are none. Cygwin's setup opens them. */
export function longPaths(
  files: Iterable<RepoFile>,
  base: string,
): { readonly count: number; readonly longest: string } | undefined {
  let count = 0;
  let longest = '';
  for (const { path } of files) {
    if (base.length + path.length <= COMFORTABLE_PATH_CHARS) continue;
    count++;
    if (path.length > longest.length) longest = path;
  }
  return count === 0 ? undefined : { count, longest };
}

/** Returns whether two files are expected to have the same bytes: same size, same digest of the same algorithm. */
export function isSameContent(a: RepoFile, b: RepoFile): boolean {
  return a.sizeBytes === b.sizeBytes && a.digest?.algorithm === b.digest?.algorithm && a.digest?.hex === b.digest?.hex;
}

function pathConflict(a: RepoFile, b: RepoFile, why: string): CygstrapError {
  return new CygstrapError('repo', `\`${a.path}\` and \`${b.path}\` ${why}`, {
    hint: 'fetch them into two repos',
    details: { paths: [a.path, b.path] },
  });
}
