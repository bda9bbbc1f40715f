import type { Plan } from '../core/resolve/plan.ts';
import type { Archive } from '../core/setup-ini/records.ts';

/** Every archive a plan needs, each path once: in install order, a package's source after its binary archive. */
export function plannedArchives(plan: Plan): Archive[] {
  const byPath = new Map<string, Archive>();
  for (const { archive, source } of plan.packages) {
    for (const each of source === undefined ? [archive] : [archive, source.archive]) {
      if (!byPath.has(each.path)) byPath.set(each.path, each);
    }
  }
  return [...byPath.values()];
}

/** Where an archive is fetched from: the path below the site as setup asks for it, nothing escaped; without a site the
 *  bare path. */
export function archiveUrl(path: string, site: string | undefined): string {
  if (site === undefined) return path;
  return site.endsWith('/') ? site + path : `${site}/${path}`;
}
