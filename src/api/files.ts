import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogVersion } from '../core/catalog/versions.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import { byteOrder } from '../core/version/byte-order.ts';
import { unknownVersionText, versionsText } from '../core/resolve/alternatives.ts';
import type { Archive } from '../core/setup-ini/records.ts';
import { CygstrapError } from '../errors.ts';
import type { ArchiveMember, MemberList } from '../input/archive-members.ts';
import type { ReadingContext } from './context.ts';
import { pathTest } from './file-pattern.ts';
import { unknownPackage } from './info.ts';
import { loadRepo } from './repo-catalog.ts';
import { listArchives } from './repo-lists.ts';
import type { RepoArchive } from './repo-lists.ts';

/** A file, directory or link of a package. */
export interface ListedFile {
  /** In an installed Cygwin, such as `/usr/bin/ssh.exe`. Not validated: any text. */
  readonly path: string;
  /** `link` is a second name of an earlier file, `other` a device or a pipe. */
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'other';
  readonly size: number;
  /** Of a link. */
  readonly target?: string;
}

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

export type FilesResult =
  | {
      readonly kind: 'files';
      readonly indexes: readonly IndexSummary[];
      readonly name: string;
      readonly version: string;
      readonly archive: Archive;
      /** In the order of the archive. */
      readonly files: readonly ListedFile[];
    }
  /** The repo does not have the package, the version, its source or its archive. */
  | { readonly kind: 'absent'; readonly error: CygstrapError };

type FoundList = MemberList | { readonly isMissing: true };

/** Lists the files of a package from its archive in a repo. Throws `corrupt` for a damaged archive, `not-found` for a
 *  repo without an index, `io`, `repo`, and as `loadCatalog`. */
export async function listFiles(
  { repo, package: item, source = false, arch }: FilesRequest,
  context: ReadingContext = {},
): Promise<FilesResult> {
  const { root, loaded, bases } = await loadRepo(repo, arch, context);
  const { catalog, indexes } = loaded;
  const selected = versionOf(catalog, item);
  if (selected instanceof CygstrapError) return { kind: 'absent', error: selected };
  const chosen = source ? catalog.sourceOf(selected) : selected;
  if (chosen === undefined)
    return absent(`the index lists no source of \`${selected.name}\` ${selected.version}`, 'leave out `--source`');
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
  if ('members' in list) return { kind: 'files', ...found, files: list.members.map(listed) };
  throw new CygstrapError('corrupt', `cannot list the files of \`${path}\`: ${list.why}`, {
    hint: `\`cygstrap verify ${repo} --repair\` fetches damaged archives again`,
  });
}

function absent(message: string, hint: string): FilesResult {
  return { kind: 'absent', error: new CygstrapError('not-found', message, { hint }) };
}

/** Returns the version that NAME or NAME=VERSION selects, or the error for an unknown one. */
function versionOf(catalog: Catalog, item: string): CatalogVersion | CygstrapError {
  const at = item.indexOf('=');
  const name = at < 0 ? item : item.slice(0, at);
  const pkg = catalog.packages.get(name);
  if (pkg === undefined) return unknownPackage(catalog, name);
  const wanted = item.slice(at + 1);
  const version = at < 0 ? catalog.current(pkg) : catalog.find(name, wanted);
  return version ?? new CygstrapError('not-found', unknownVersionText(name, wanted), { hint: versionsText(pkg) });
}

export interface FileSearchRequest {
  /** Directory of the repo. */
  readonly repo: string;
  /** A path, a name or a glob; see `pathTest`. */
  readonly pattern: string;
  /** Default: every index of the repo. */
  readonly arch?: string | undefined;
}

export interface FileMatch extends ListedFile {
  readonly name: string;
  readonly version: string;
}

/** A package whose files are not known. */
export interface UnsearchedPackage {
  readonly name: string;
  readonly version: string;
  /** Undefined if the repo does not have the archive. */
  readonly why?: string;
}

export interface FileSearchResult {
  readonly indexes: readonly IndexSummary[];
  /** By package and path. Directories are not searched. */
  readonly matches: readonly FileMatch[];
  /** Number of packages whose files were searched. */
  readonly searched: number;
  /** By name. */
  readonly unsearched: readonly UnsearchedPackage[];
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
    matches: matches.sort((a, b) => byteOrder(a.name, b.name) || byteOrder(a.path, b.path)),
    searched: archives.length - unsearched.length,
    unsearched: unsearched.sort((a, b) => byteOrder(a.name, b.name)),
  };
}

function listed({ path, ...member }: ArchiveMember): ListedFile {
  return { path: `/${path}`, ...member };
}
