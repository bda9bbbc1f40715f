import type { Plan } from '../core/resolve/plan.ts';
import type { Archive } from '../core/setup-ini/records.ts';

/** Returns every archive of a plan once, in the order of the plan, the source after the binary archive. */
export function plannedArchives(plan: Plan): Archive[] {
  const byPath = new Map<string, Archive>();
  for (const { archive, source } of plan.packages) {
    for (const each of source === undefined ? [archive] : [archive, source.archive]) {
      if (!byPath.has(each.path)) byPath.set(each.path, each);
    }
  }
  return [...byPath.values()];
}

/** Returns the address of an archive: its path below the site as setup requests it, without escapes; without a site
 *  the path alone. */
export function archiveUrl(path: string, site: string | undefined): string {
  if (site === undefined) return path;
  return site.endsWith('/') ? site + path : `${site}/${path}`;
}
