import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogPackage } from '../core/catalog/package.ts';

/** Conditions of a search; all given conditions must hold. */
export interface SearchQuery {
  /** Matched against the name and the short description. */
  readonly pattern?: RegExp;
  /** Categories, case-insensitive; the package must be in one of them. Empty: any category. */
  readonly categories?: readonly string[];
  /** A name that a version provides or obsoletes, or the name of the package. */
  readonly provides?: string;
}

export interface SearchMatch {
  readonly name: string;
  /** The current version. */
  readonly version: string;
  readonly sdesc: string;
  readonly categories: readonly string[];
}

/** Returns the matching packages, sorted by name. */
export function searchPackages(catalog: Catalog, query: SearchQuery): SearchMatch[] {
  return candidates(catalog, query)
    .filter(({ name, sdesc }) => query.pattern === undefined || query.pattern.test(name) || query.pattern.test(sdesc))
    .map((pkg) => ({
      name: pkg.name,
      version: catalog.current(pkg)?.version ?? '',
      sdesc: pkg.sdesc,
      categories: pkg.categories,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns a case-insensitive pattern that matches the literal text. */
export function literalPattern(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'iu');
}

function candidates(catalog: Catalog, { categories = [], provides }: SearchQuery): CatalogPackage[] {
  const members =
    categories.length === 0 ? catalog.packages.values() : new Set(categories.flatMap((name) => catalog.category(name)));
  if (provides === undefined) return [...members];
  const providers = new Set([provides, ...catalog.providersOf(provides).map(({ name }) => name)]);
  return [...members].filter(({ name }) => providers.has(name));
}
