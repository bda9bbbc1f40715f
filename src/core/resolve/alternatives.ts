import type { Catalog } from '../catalog/catalog.ts';
import { similarPackages } from './suggest.ts';

/** Packages to name instead of one that does not exist. */
export interface Alternatives {
  /** Other packages that provide or obsolete the name, sorted. */
  readonly providers: readonly string[];
  /** Packages that may be meant by the name, the most likely first; empty when there are providers. */
  readonly similar: readonly string[];
}

/** Finds what a user may have meant by a name that no package has. */
export function alternativesTo(catalog: Catalog, name: string): Alternatives {
  const providers = providersOf(catalog, name);
  return { providers, similar: providers.length > 0 ? [] : similarPackages(name, catalog.packages.values()) };
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
