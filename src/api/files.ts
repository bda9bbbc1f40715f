import type { CatalogVersion } from '../core/catalog/versions.ts';
import { CygstrapError } from '../errors.ts';
import type { ReadingContext } from './context.ts';
import { FileMatches } from './file-matches.ts';
import { absent, listed, selected } from './file-results.ts';
import type { FileSearchResult, FilesResult } from './file-results.ts';
import { loadRepo } from './repo-catalog.ts';
import { listArchives } from './repo-lists.ts';
import type { FoundList, RepoArchive } from './repo-lists.ts';

export interface FilesRequest {
  /** Directory of the repo. */
  readonly repo: string;
  /** NAME for the current version, or NAME=VERSION. */
  readonly package: string;
  /** Whether the files of the source archive are listed. Default: false. */
  readonly source?: boolean | undefined;
  /** Default: every index of the repo. */
  readonly arch?: string | undefined;
}

/** Lists the files of a package from its archive in a repo. Throws `corrupt` for a damaged archive, `not-found` for a
 *  repo without an index, `io`, `repo`, and as `loadCatalog`. */
export async function listFiles(
  { repo, package: item, source = false, arch }: FilesRequest,
  context: ReadingContext = {},
): Promise<FilesResult> {
  const { root, loaded, bases } = await loadRepo(repo, arch, context);
  const { catalog, indexes } = loaded;
  const chosen = await selected(catalog, item, source, context);
  if (chosen instanceof CygstrapError) return { kind: 'absent', error: chosen };
  const { name, version, archive, index } = chosen;
  let list: FoundList = { isMissing: true };
  await listArchives(root, [{ archive, base: bases[index] ?? '' }], (_archive, found) => (list = found), context);
  return fromList(list, { indexes, name, version, archive }, repo);
}

function fromList(
  list: FoundList,
  found: Pick<FilesResult & { kind: 'files' }, 'indexes' | 'name' | 'version' | 'archive'>,
  repo: string,
): FilesResult {
  const { path } = found.archive;
  if ('isMissing' in list) return absent(`\`${repo}\` does not have \`${path}\``, 'fetch it with `cygstrap fetch`');
  if ('members' in list) return { kind: 'files', ...found, from: repo, files: list.members.map(listed) };
  if ('error' in list) throw list.error;
  throw new CygstrapError('corrupt', `cannot list the files of \`${path}\`: ${list.why}`, {
    hint: `\`cygstrap verify ${repo} --repair\` fetches damaged archives again`,
  });
}

export interface FileSearchRequest {
  /** Directory of the repo. */
  readonly repo: string;
  /** A path, a name or a glob; see `pathTest`. */
  readonly pattern: string;
  /** Default: every index of the repo. */
  readonly arch?: string | undefined;
}

/** Finds the files of the current versions of all packages of a repo that match a pattern. Throws `usage` for an
 *  invalid pattern, `limit` for too many matches, `not-found`, `io`, `repo`, and as `loadCatalog`. */
export async function findFiles(
  { repo, pattern, arch }: FileSearchRequest,
  context: ReadingContext = {},
): Promise<FileSearchResult> {
  const found = await FileMatches.of(pattern);
  const { root, loaded, bases } = await loadRepo(repo, arch, context);
  const { catalog, indexes } = loaded;
  const archives = [...catalog.packages.values()].flatMap((pkg): (RepoArchive & { version: CatalogVersion })[] => {
    const version = catalog.current(pkg);
    return version === undefined ? [] : [{ version, archive: version.archive, base: bases[version.index] ?? '' }];
  });
  const take = ({ version }: { readonly version: CatalogVersion }, list: FoundList): void => {
    if ('members' in list) found.search(version, list.members);
    else found.skip(version, 'why' in list ? list.why : undefined);
  };
  await listArchives(root, archives, take, context);
  return { indexes, from: repo, ...found.result() };
}
