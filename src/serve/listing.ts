import { encodeName } from './path.ts';

const STYLE = [
  'body{font-family:sans-serif}',
  'td{padding:0 1em 0 0;font-variant-numeric:tabular-nums}',
  'td+td{text-align:right}',
].join('');

export interface ListedEntry {
  readonly name: string;
  /** Undefined for a directory. */
  readonly sizeBytes: number | undefined;
  readonly modifiedMs: number;
}

/** Renders a directory as an HTML page: directories first, then files, sorted by name, with relative links. `names`
 *  is the path from the root. */
export function listingHtml(names: readonly string[], entries: readonly ListedEntry[]): string {
  const title = escapeHtml(`/${names.map((name) => `${name}/`).join('')}`);
  const up = names.length === 0 ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n';
  const rows = [...entries].sort(directoriesFirst).map(rowHtml).join('');
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title>
<style>${STYLE}</style></head>
<body><h1>${title}</h1>
<table>
${up}${rows}</table>
</body></html>
`;
}

function directoriesFirst(a: ListedEntry, b: ListedEntry): number {
  const [left, right] = [a.sizeBytes === undefined, b.sizeBytes === undefined];
  if (left !== right) return left ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function rowHtml({ name, sizeBytes, modifiedMs }: ListedEntry): string {
  const slash = sizeBytes === undefined ? '/' : '';
  const modified = new Date(modifiedMs).toISOString().slice(0, 16).replace('T', ' ');
  const link = `<a href="./${escapeHtml(encodeName(name))}${slash}">${escapeHtml(name)}${slash}</a>`;
  return `<tr><td>${link}</td><td>${modified}</td><td>${sizeBytes ?? ''}</td></tr>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
