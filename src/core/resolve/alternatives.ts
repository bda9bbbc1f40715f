import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogPackage } from '../catalog/package.ts';
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

/** Versions that a suggestion lists. */
const MOST_VERSIONS = 8;

/** Lists the versions of a package, the newest first. */
export function versionsText(pkg: CatalogPackage): string {
  const versions = pkg.versions
    .map(({ record }) => record)
    .sort((a, b) => compareVersions(b.version, a.version))
    .map(({ version, section }) => `${version}${section === 'curr' ? '' : ` [${section}]`}`);
  const more = versions.length - MOST_VERSIONS;
  return (
    `the versions of \`${pkg.name}\` are ${versions.slice(0, MOST_VERSIONS).join(', ')}` +
    (more > 0 ? `, and ${more} older` : '')
  );
}
