import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogPackage } from '../catalog/package.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import { compareVersions } from '../version/compare.ts';
import type { Programs } from './plan.ts';
import { similarPackages } from './suggest.ts';

/** Packages to name instead of one that does not exist. */
export interface Alternatives {
  /** Other packages that provide or obsolete the name, sorted. */
  readonly providers: readonly string[];
  /** Packages that may be meant by the name, the most likely first; empty when there are providers. */
  readonly similar: readonly string[];
}

/** Finds what a user may have meant by a name that no package has. */
export function alternativesTo(catalog: Catalog, name: string, programs?: Programs): Alternatives {
  const providers = providersOf(catalog, name);
  const similar = providers.length > 0 ? [] : similarPackages(name, catalog.packages.values(), programs?.get(name));
  return { providers, similar };
}

/** Returns the names of other packages that provide or obsolete a name, sorted. */
export function providersOf(catalog: Catalog, name: string): string[] {
  const versions = [...catalog.providersOf(name), ...catalog.obsoletersOf(name)];
  return [...new Set(versions.map((version) => version.name))].filter((other) => other !== name).sort();
}

/** The message for a name that no package has. */
export function unknownNameText(name: string): string {
  return `no package is named \`${name}\``;
}

/** The message for a version that a package does not have. */
export function unknownVersionText(name: string, version: string): string {
  return `\`${name}\` has no version \`${version}\``;
}

/** Versions that a message lists. */
const MOST_VERSIONS = 8;

/** Lists the versions of a package, or those other than one of them, the newest first. */
export function versionsText(pkg: CatalogPackage, exact?: CatalogVersion): string {
  const versions = pkg.versions
    .filter((version) => version !== exact)
    .map(({ record }) => record)
    .sort((a, b) => compareVersions(b.version, a.version))
    .map(versionLabel);
  return `${exact === undefined ? 'the' : 'other'} versions of \`${pkg.name}\` are ${firstOf(versions, 'older')}`;
}

/** A version with its section, unless that is `[curr]`. */
export function versionLabel({ version, section }: { readonly version: string; readonly section: string }): string {
  return section === 'curr' ? version : `${version} [${section}]`;
}

/** Lists at most eight versions and the number of the others.
 *  @param others what these are */
export function firstOf(versions: readonly string[], others: string): string {
  const more = versions.length - MOST_VERSIONS;
  return versions.slice(0, MOST_VERSIONS).join(', ') + (more > 0 ? `, and ${more} ${others}` : '');
}
