import type { Catalog } from '../core/catalog/catalog.ts';
import type { CatalogPackage } from '../core/catalog/package.ts';

/** All conditions that are there must hold. */
export interface SearchQuery {
  /** Matched against name and short description. */
  readonly pattern?: RegExp;
  /** A package of any of these, without regard to case. Empty: of whatever category. */
  readonly categories?: readonly string[];
  /** A name that some version provides or obsoletes, or the package's own. */
  readonly provides?: string;
}

export interface SearchMatch {
  readonly name: string;
  /** Its current version. */
  readonly version: string;
  readonly sdesc: string;
  readonly categories: readonly string[];
}

/** Finds packages, sorted by name. */
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

/** A pattern that finds text as it stands, without regard to case. */
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
