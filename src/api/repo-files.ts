import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogVersion } from '../core/catalog/versions.ts';
import type { Lock, LockedFile } from '../core/lock/lock.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { parseRepoPath } from '../repo/files/path.ts';
import { digestOf, fileOfArchive } from '../repo/files/archive-file.ts';
import { compareVersions } from '../core/version/compare.ts';

/** A file of a repo and the number of the index that lists it. */
export interface IndexedFile extends RepoFile {
  readonly index: number;
}

/** Returns the files of a lock: archives, and locked sources. A path may occur twice. Throws `repo` for an invalid
 *  path. */
export function filesOfLock({ packages }: Pick<Lock, 'packages'>): IndexedFile[] {
  return packages.flatMap((pkg) =>
    [pkg, ...(pkg.source === undefined ? [] : [pkg.source])].map((file) => ({ ...repoFileOf(file), index: pkg.index })),
  );
}

/** Converts a locked file into a file of a repo. */
export function repoFileOf(file: LockedFile): RepoFile {
  return { path: parseRepoPath(file.path), sizeBytes: file.size, digest: digestOf(file) };
}

/** Selects versions of an index. */
export interface VersionChoice {
  /** Lower versions than the best (or the planned) one that are kept, the highest first; undefined: every version there
   *  is. */
  readonly prev: number | undefined;
  readonly source: boolean;
}

/** Returns the files of every package of a catalog. Versions above the current one are `[test]` versions, and always
 *  included. */
export function filesOfCatalog(catalog: Catalog, choice: VersionChoice): IndexedFile[] {
  return [...catalog.packages.values()].flatMap((pkg) => {
    const best = catalog.current(pkg);
    const versions =
      best === undefined || choice.prev === undefined
        ? pkg.versions
        : [...notBelow(pkg.versions, best.version), ...below(pkg.versions, best.version, choice.prev)];
    return versions.flatMap((version) => filesOfVersion(catalog, version, choice.source));
  });
}

/** Returns the files of the `prev` next lower versions of each locked package. */
export function previousFiles(
  catalog: Catalog,
  { packages }: Pick<Lock, 'packages'>,
  prev: number,
  source: boolean,
): IndexedFile[] {
  return packages.flatMap(({ name, version }) =>
    below(catalog.packages.get(name)?.versions ?? [], version, prev).flatMap((each) =>
      filesOfVersion(catalog, each, source),
    ),
  );
}

function notBelow(versions: readonly CatalogVersion[], than: string): CatalogVersion[] {
  return versions.filter(({ version }) => compareVersions(version, than) >= 0);
}

function below(versions: readonly CatalogVersion[], than: string, count: number): CatalogVersion[] {
  return versions
    .filter(({ version }) => compareVersions(version, than) < 0)
    .sort((a, b) => compareVersions(b.version, a.version))
    .slice(0, count);
}

function filesOfVersion(catalog: Catalog, version: CatalogVersion, withSource: boolean): IndexedFile[] {
  const source = withSource ? catalog.sourceOf(version) : undefined;
  const own = { ...fileOfArchive(version.archive), index: version.index };
  return source === undefined ? [own] : [own, { ...fileOfArchive(source.archive), index: source.index }];
}
