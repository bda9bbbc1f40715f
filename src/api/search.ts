import type { Catalog } from '../core/catalog/catalog.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import type { CatalogPackage } from '../core/catalog/package.ts';
import { CygstrapError } from '../errors.ts';
import { didYouMean } from '../similar.ts';

/** Tests texts; a RegExp is one. */
export interface TextPattern {
  test(text: string): boolean;
}

/** Conditions of a search; all given conditions must hold. */
export interface SearchQuery {
  /** Matched against the name and the short description. */
  readonly pattern?: TextPattern | undefined;
  /** Categories, case-insensitive; the package must be in one of them. Empty: any category. */
  readonly categories?: readonly string[] | undefined;
  /** A name that a version provides or obsoletes, or the name of the package. */
  readonly provides?: string | undefined;
}

export interface SearchMatch {
  readonly name: string;
  /** The current version. */
  readonly version: string;
  readonly sdesc: string;
  readonly categories: readonly string[];
}

/** Returns the matching packages, sorted by name. Throws `not-found` for a category that no package is in. */
export function searchPackages({ catalog }: LoadedCatalog, query: SearchQuery): SearchMatch[] {
  for (const name of query.categories ?? []) requireCategory(catalog, name);
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
export function literalPattern(text: string): TextPattern {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'iu');
}

/** Returns a case-insensitive pattern for a regular expression in the syntax of RE2. The time of a test is linear in
 *  the length of the text for every expression. Throws `usage` for an expression that RE2 does not have. */
export async function regularExpression(text: string): Promise<TextPattern> {
  const { RE2JS, RE2JSException } = await import('re2js');
  try {
    return RE2JS.compile(text, RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    // re2js writes the flag of case-insensitivity before the expression.
    const reason = error.message.replace('error parsing regexp: ', '').replace('`(?i)', '`');
    throw new CygstrapError('usage', `not a regular expression of RE2: ${reason}`, {
      hint: 'use the syntax of RE2, which has no lookahead, no lookbehind, no backreferences, and counts up to 1000',
    });
  }
}

function requireCategory(catalog: Catalog, name: string): void {
  if (catalog.category(name).length > 0) return;
  const known = catalog.categories();
  const near = didYouMean(name, ['All', ...known]);
  throw new CygstrapError('not-found', `no package is in a category \`${name}\``, {
    hint:
      near.length > 0
        ? `did you mean ${near.map((each) => `\`${each}\``).join(' or ')}?`
        : `the categories are ${known.join(', ')}`,
  });
}

function candidates(catalog: Catalog, { categories = [], provides }: SearchQuery): CatalogPackage[] {
  const members =
    categories.length === 0 ? catalog.packages.values() : new Set(categories.flatMap((name) => catalog.category(name)));
  if (provides === undefined) return [...members];
  const providers = new Set([provides, ...catalog.providersOf(provides).map(({ name }) => name)]);
  return [...members].filter(({ name }) => providers.has(name));
}
