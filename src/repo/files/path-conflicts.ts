import { CygstrapError } from '../../errors.ts';
import { caseless } from '../../io/caseless.ts';
import type { RepoFile } from './file.ts';
import { INDEX_NAME, OWN_DIR, OWN_SUFFIXES } from './layout.ts';

/** What Windows without long paths can name, `C:\` and the end mark included, less what a directory for the repo may take. */
const COMFORTABLE_PATH_CHARS = 260 - 60;

/** Gives each file of a plan once, in its order, after looking at all of them together. Throws `repo` for a path that is kept
 *  for something else (an index, our own files), for one path with two contents, and for paths that are one on a system that
 *  does not tell cases apart, or where one is a directory of the other. */
export function distinctFiles<File extends RepoFile>(files: Iterable<File>): File[] {
  const byKey = new Map<string, File>();
  for (const file of files) {
    const key = caseless(file.path);
    const other = byKey.get(key);
    if (other === undefined) {
      refuseReserved(file.path, key);
      byKey.set(key, file);
    } else if (other.path !== file.path) {
      throw clash(other, file, 'differ in case only, and are one file on Windows');
    } else if (!isSameContent(other, file)) throw clash(other, file, 'are one path with two contents');
  }
  const checked = new Set<string>();
  for (const [key, file] of byKey) {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      const directory = key.slice(0, end);
      if (checked.has(directory)) break;
      checked.add(directory);
      const other = byKey.get(directory);
      if (other !== undefined) throw clash(other, file, 'cannot be both: one is a directory of the other');
    }
  }
  return [...byKey.values()];
}

/** Counts paths that a Windows without long paths may not be able to open, with the longest of them; undefined when there are
 *  none. Cygwin's setup itself can. */
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

/** Whether two files promise the same bytes; a promise with another kind of digest is another one. */
export function isSameContent(a: RepoFile, b: RepoFile): boolean {
  return a.sizeBytes === b.sizeBytes && a.digest?.algorithm === b.digest?.algorithm && a.digest?.hex === b.digest?.hex;
}

function refuseReserved(path: string, key: string): void {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const isOurs = parts[0] === OWN_DIR || OWN_SUFFIXES.some((suffix) => name.endsWith(suffix));
  // Setup looks for an index in a directory of the repo and in one below, which is where a site layout has them.
  const isIndex = parts.length <= 3 && INDEX_NAME.test(name);
  if (!isOurs && !isIndex) return;
  throw new CygstrapError(
    'repo',
    `the path \`${path}\` is refused: it is kept for ${isIndex ? 'an index' : 'files of cygstrap'}`,
    { hint: 'an index with such a path is broken or hostile; use another site', details: { path } },
  );
}

function clash(a: RepoFile, b: RepoFile, why: string): CygstrapError {
  return new CygstrapError('repo', `\`${a.path}\` and \`${b.path}\` ${why}`, {
    hint: 'put them into two repos',
    details: { paths: [a.path, b.path] },
  });
}
