import type { Catalog, SourceVersion } from '../core/catalog/catalog.ts';
import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { CatalogVersion } from '../core/catalog/versions.ts';
import { unknownVersionText, versionsText } from '../core/resolve/alternatives.ts';
import type { Archive } from '../core/setup-ini/records.ts';
import { CygstrapError } from '../errors.ts';
import type { ArchiveMember } from '../input/archive-members.ts';
import type { OperationContext } from './context.ts';
import { unknownPackage } from './info.ts';

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

export type FilesResult =
  | {
      readonly kind: 'files';
      readonly indexes: readonly IndexSummary[];
      readonly name: string;
      readonly version: string;
      readonly archive: Archive;
      /** The repo, or the address of the list of a site. */
      readonly from: string;
      /** In the order of the archive. */
      readonly files: readonly ListedFile[];
    }
  /** There is no such package, version or source, or no list of its files. */
  | { readonly kind: 'absent'; readonly error: CygstrapError };

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
  /** The repo, or the address of the site with the lists. */
  readonly from: string;
  /** By package and path. Directories are not searched. */
  readonly matches: readonly FileMatch[];
  /** Number of packages whose files were searched; of a site, whose lists were read after its own search. */
  readonly searched: number;
  /** By name. */
  readonly unsearched: readonly UnsearchedPackage[];
}

/** Makes the result without files. */
export function absent(message: string, hint: string): FilesResult {
  return { kind: 'absent', error: new CygstrapError('not-found', message, { hint }) };
}

/** Returns the version that NAME or NAME=VERSION selects, or its source; or the error for one that the index does not
 *  have. */
export async function selected(
  catalog: Catalog,
  item: string,
  isSource: boolean,
  context: OperationContext,
): Promise<CatalogVersion | SourceVersion | CygstrapError> {
  const version = await versionOf(catalog, item, context);
  if (!isSource || version instanceof CygstrapError) return version;
  return (
    catalog.sourceOf(version) ??
    new CygstrapError('not-found', `the index lists no source of \`${version.name}\` ${version.version}`, {
      hint: 'leave out `--source`',
    })
  );
}

/** Returns the version that NAME or NAME=VERSION selects, or the error for an unknown one. */
async function versionOf(
  catalog: Catalog,
  item: string,
  context: OperationContext,
): Promise<CatalogVersion | CygstrapError> {
  const at = item.indexOf('=');
  const name = at < 0 ? item : item.slice(0, at);
  const pkg = catalog.packages.get(name);
  if (pkg === undefined) return unknownPackage(catalog, name, context);
  const wanted = item.slice(at + 1);
  const version = at < 0 ? catalog.current(pkg) : catalog.find(name, wanted);
  return version ?? new CygstrapError('not-found', unknownVersionText(name, wanted), { hint: versionsText(pkg) });
}

/** Converts a member of an archive. */
export function listed({ path, ...member }: ArchiveMember): ListedFile {
  return { path: `/${path}`, ...member };
}
