import type { ReportData } from './page-data.ts';

/** The parts of a report page, which are in files of their own, and their digests for its policy. */
export interface PageParts {
  /** HTML with the text `@policy@`, and the comments `@style@`, `@data@` and `@script@` for elements. */
  readonly template: string;
  readonly style: string;
  readonly script: string;
  /** SHA-256 of style and script, in base64. */
  readonly styleDigest: string;
  readonly scriptDigest: string;
}

/** Renders a report as one HTML page, as {@link pageHtml} does. */
export function reportHtml(data: ReportData, parts: PageParts): string {
  return pageHtml(encoded(data), parts);
}

/** Puts data and the parts of a page into one HTML file that needs no other file and no network. Its policy allows its
 *  own script and style only, and no connection. */
export function pageHtml(data: unknown, parts: PageParts): string {
  const policy =
    `default-src 'none'; script-src 'sha256-${parts.scriptDigest}'; style-src 'sha256-${parts.styleDigest}'; ` +
    "img-src data:; base-uri 'none'; form-action 'none'";
  const places: Readonly<Record<string, string>> = {
    policy,
    style: `<style>${parts.style}</style>`,
    data: `<script id="data" type="application/json">${embeddedJson(data)}</script>`,
    script: `<script>${parts.script}</script>`,
  };
  return parts.template.replaceAll(
    /<!-- @(style|data|script)@ -->|@(policy)@/g,
    (_place, element: string | undefined) => places[element ?? 'policy'] ?? '',
  );
}

/** Returns JSON in which no text ends the element that contains it, or starts another one. */
function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

const REASONS = ['requested', 'base', 'dependency', 'listed'] as const;

/** Replaces words that repeat by their numbers: a page of all packages would be twice as large. */
function encoded({ packages, ...rest }: ReportData) {
  const numbers = new Map(packages.map(({ name }, number) => [name, number]));
  const categories = [...new Set(packages.map(({ category }) => category))];
  const categoryNumbers = new Map(categories.map((category, number) => [category, number]));
  return {
    ...rest,
    reasons: REASONS,
    categories,
    packages: packages.map(({ name, version, section, size, reason, category, summary, requires }) => [
      name,
      version,
      section,
      size,
      REASONS.indexOf(reason),
      categoryNumbers.get(category),
      summary,
      requires.map((to) => numbers.get(to)),
    ]),
  };
}
