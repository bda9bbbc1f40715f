import type { CatalogVersion } from '../core/catalog/versions.ts';
import { byteOrder } from '../core/version/byte-order.ts';
import { CygstrapError } from '../errors.ts';
import type { MemberList } from '../input/archive-members.ts';
import type { ReadingContext } from './context.ts';
import { pathTest } from './file-pattern.ts';
import { absent, listed, selected } from './file-results.ts';
import type { FileMatch, FileSearchResult, FilesResult, UnsearchedPackage } from './file-results.ts';
import { loadRepo } from './repo-catalog.ts';
import { listArchives } from './repo-lists.ts';
import type { RepoArchive } from './repo-lists.ts';

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

type FoundList = MemberList | { readonly isMissing: true };

/** Lists the files of a package from its archive in a repo. Throws `corrupt` for a damaged archive, `not-found` for a
 *  repo without an index, `io`, `repo`, and as `loadCatalog`. */
export async function listFiles(
  { repo, package: item, source = false, arch }: FilesRequest,
  context: ReadingContext = {},
): Promise<FilesResult> {
  const { root, loaded, bases } = await loadRepo(repo, arch, context);
  const { catalog, indexes } = loaded;
  const chosen = selected(catalog, item, source);
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
 *  invalid pattern, `not-found`, `io`, `repo`, and as `loadCatalog`. */
export async function findFiles(
  { repo, pattern, arch }: FileSearchRequest,
  context: ReadingContext = {},
): Promise<FileSearchResult> {
  const isWanted = await pathTest(pattern);
  const { root, loaded, bases } = await loadRepo(repo, arch, context);
  const { catalog, indexes } = loaded;
  const archives = [...catalog.packages.values()].flatMap((pkg): (RepoArchive & { version: CatalogVersion })[] => {
    const version = catalog.current(pkg);
    return version === undefined ? [] : [{ version, archive: version.archive, base: bases[version.index] ?? '' }];
  });
  const matches: FileMatch[] = [];
  const unsearched: UnsearchedPackage[] = [];
  const take = ({ version: { name, version } }: { readonly version: CatalogVersion }, list: FoundList): void => {
    if (!('members' in list)) unsearched.push({ name, version, ...('why' in list && { why: list.why }) });
    else
      for (const member of list.members) {
        const file = listed(member);
        if (file.type !== 'directory' && isWanted(file.path)) matches.push({ name, version, ...file });
      }
  };
  await listArchives(root, archives, take, context);
  return {
    indexes,
    from: repo,
    matches: matches.sort((a, b) => byteOrder(a.name, b.name) || byteOrder(a.path, b.path)),
    searched: archives.length - unsearched.length,
    unsearched: unsearched.sort((a, b) => byteOrder(a.name, b.name)),
  };
}
