import type { Plan } from '../core/resolve/plan.ts';
import { archiveUrl, plannedArchives } from './archives.ts';

/** Renders a plan as a Nix list of `{ url; sha512; }` or `{ url; md5; }` sets for `fetchurl`. */
export function nixText(plan: Plan, site?: string): string {
  const sets = plannedArchives(plan).map(({ path, sha512, md5 }) => {
    const digest =
      sha512 === undefined ? (md5 === undefined ? '' : ` md5 = ${nixString(md5)};`) : ` sha512 = ${nixString(sha512)};`;
    return `  { url = ${nixString(archiveUrl(path, site))};${digest} }\n`;
  });
  return `[\n${sets.join('')}]\n`;
}

/** Quotes text as a Nix string; escapes `\`, `"` and `${`. */
export function nixString(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('${', '\\${')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
