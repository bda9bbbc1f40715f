import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogVersion } from '../core/catalog/versions.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { parseRepoFiles } from '../repo/files/path.ts';
import { digestOf, fileOfArchive } from '../repo/files/archive-file.ts';
import type { UncheckedFile } from '../repo/files/archive-file.ts';
import { compareVersions } from '../core/version/compare.ts';

/** A file of a repo and the number of the index that lists it. */
export interface IndexedFile extends RepoFile {
  readonly index: number;
}

type UncheckedIndexedFile = UncheckedFile & { readonly index: number };

/** Returns the files of a lock: archives, and locked sources. A path may occur twice. Throws `repo` for invalid
 *  paths. */
export function filesOfLock(lock: Pick<Lock, 'packages'>): IndexedFile[] {
  return parseRepoFiles(uncheckedFilesOfLock(lock));
}

/** Returns the files of a lock; their paths are not parsed. */
export function uncheckedFilesOfLock({ packages }: Pick<Lock, 'packages'>): UncheckedIndexedFile[] {
  return packages.flatMap((pkg) =>
    [pkg, ...(pkg.source === undefined ? [] : [pkg.source])].map((file) => ({
      path: file.path,
      sizeBytes: file.size,
      digest: digestOf(file),
      index: pkg.index,
    })),
  );
}

/** Selects versions of an index. */
export interface VersionChoice {
  /** Lower versions than the best (or the planned) one that are kept, the highest first; undefined: every version there
   *  is. */
  readonly prev: number | undefined;
  readonly source: boolean;
}

/** Returns the files of every package of a catalog. Versions above the current one are `[test]` versions, and always
 *  included. Throws `repo` for invalid paths. */
export function filesOfCatalog(catalog: Catalog, choice: VersionChoice): IndexedFile[] {
  const files = [...catalog.packages.values()].flatMap((pkg) => {
    const best = catalog.current(pkg);
    const versions =
      best === undefined || choice.prev === undefined
        ? pkg.versions
        : [...notBelow(pkg.versions, best.version), ...below(pkg.versions, best.version, choice.prev)];
    return versions.flatMap((version) => filesOfVersion(catalog, version, choice.source));
  });
  return parseRepoFiles(files);
}

/** Returns the files of a lock, and those of the `prev` next lower versions of each locked package. Throws `repo` for
 *  invalid paths. */
export function filesOfLockAndPrevious(lock: Lock, catalog: Catalog, prev: number): IndexedFile[] {
  const previous = lock.packages.flatMap(({ name, version }) =>
    below(catalog.packages.get(name)?.versions ?? [], version, prev).flatMap((each) =>
      filesOfVersion(catalog, each, lock.request.source),
    ),
  );
  return parseRepoFiles([...uncheckedFilesOfLock(lock), ...previous]);
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

function filesOfVersion(catalog: Catalog, version: CatalogVersion, withSource: boolean): UncheckedIndexedFile[] {
  const source = withSource ? catalog.sourceOf(version) : undefined;
  const own = { ...fileOfArchive(version.archive), index: version.index };
  return source === undefined ? [own] : [own, { ...fileOfArchive(source.archive), index: source.index }];
}
