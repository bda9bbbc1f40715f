import type { Plan } from '../core/resolve/plan.ts';
import { printableLine } from '../printable.ts';
import { archiveUrl, plannedArchives } from './archives.ts';

/** Renders a plan as one URL per line (one path per line without a site), in the order of the plan, without
 *  duplicates. */
export function urlsText(plan: Plan, site?: string): string {
  return plannedArchives(plan)
    .map(({ path }) => `${printableLine(archiveUrl(path, site))}\n`)
    .join('');
}
