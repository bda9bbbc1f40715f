import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogVersion } from '../core/catalog/versions.ts';
import { compareVersions } from '../core/version/compare.ts';
import { CygstrapError } from '../errors.ts';
import type { Archive, Dependency } from '../core/setup-ini/records.ts';
import type { OperationContext } from './context.ts';
import { knownPrograms } from './known-programs.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { alternativesTo, providersOf, unknownNameText } from '../core/resolve/alternatives.ts';

export interface VersionInfo {
  readonly version: string;
  readonly section: string;
  /** Number of its index, from 0. */
  readonly index: number;
  /** Whether a request without a version selects this version. */
  readonly isCurrent: boolean;
  readonly archive: Archive;
  readonly source?: { readonly name: string; readonly version: string; readonly archive: Archive };
  readonly depends: readonly Dependency[];
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly buildDepends: readonly Dependency[];
}

export interface PackageInfo {
  readonly name: string;
  readonly sdesc: string;
  readonly ldesc: string;
  readonly categories: readonly string[];
  /** What setup shows when the package is selected. */
  readonly message?: { readonly id: string; readonly text: string };
  /** Versions that the index withdraws: setup replaces an installed one, also by an older version. */
  readonly replaceVersions: readonly string[];
  /** The newest first. */
  readonly versions: readonly VersionInfo[];
  /** Packages whose current version requires this one by name, sorted. */
  readonly requiredBy: readonly string[];
  /** Other packages that provide or obsolete this name, sorted. */
  readonly providedBy: readonly string[];
}

/** Returns everything about a package; undefined if there is no package of that name. */
export function packageInfo({ catalog }: LoadedCatalog, name: string): PackageInfo | undefined {
  const pkg = catalog.packages.get(name);
  if (pkg === undefined) return undefined;
  const current = catalog.current(pkg);
  return {
    name,
    sdesc: pkg.sdesc,
    ldesc: pkg.ldesc,
    categories: pkg.categories,
    ...(pkg.message !== undefined && { message: pkg.message }),
    replaceVersions: pkg.replaceVersions,
    versions: pkg.versions
      .toSorted((a, b) => compareVersions(b.record.version, a.record.version))
      .map((version) => versionInfo(catalog, version, version === current)),
    requiredBy: dependantsOf(catalog, name),
    providedBy: providersOf(catalog, name),
  };
}

/** Makes the error for a name that no package has; its hint names packages that may have been meant. Throws the reason
 *  of the signal. */
export async function unknownPackage(
  catalog: Catalog,
  name: string,
  context: OperationContext = {},
): Promise<CygstrapError> {
  const { providers, similar } = alternativesTo(catalog, name, await knownPrograms(catalog, [name], context));
  const hint =
    providers.length > 0
      ? `it is provided by ${providers.map((each) => `\`${each}\``).join(', ')}`
      : similar.length > 0
        ? `did you mean ${similar.map((each) => `\`${each}\``).join(' or ')}?`
        : '`cygstrap search` finds packages by a part of their name or description, `cygstrap provides-file` by a file';
  return new CygstrapError('not-found', unknownNameText(name), { hint });
}

function versionInfo(catalog: Catalog, version: CatalogVersion, isCurrent: boolean): VersionInfo {
  const { record, index, archive } = version;
  const source = catalog.sourceOf(version);
  const { depends, obsoletes, provides, conflicts, buildDepends, section } = record;
  return {
    version: record.version,
    section,
    index,
    isCurrent,
    archive,
    ...(source === undefined
      ? {}
      : { source: { name: source.name, version: source.version, archive: source.archive } }),
    depends,
    obsoletes,
    provides,
    conflicts,
    buildDepends,
  };
}

function dependantsOf(catalog: Catalog, name: string): string[] {
  const dependants: CatalogVersion[] = [];
  for (const pkg of catalog.packages.values()) {
    const current = catalog.current(pkg);
    if (current !== undefined && pkg.name !== name && current.record.depends.some((each) => each.name === name))
      dependants.push(current);
  }
  return namesOf(dependants);
}

function namesOf(versions: readonly CatalogVersion[]): string[] {
  return [...new Set(versions.map((version) => version.name))].sort();
}
