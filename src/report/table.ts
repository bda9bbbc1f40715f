import type { Plan, PlannedPackage } from '../core/resolve/plan.ts';
import { columns, countText, sizeText } from './text.ts';

/** Renders a plan as an aligned table in the order of the plan, with a line of totals and, below it, omitted, removed
 *  and orphaned packages. */
export function tableText(plan: Plan): string {
  const changes = plan.packages.some((pkg) => pkg.action !== 'install');
  const sources = plan.request.source;
  const rows = plan.packages.map((pkg) => [
    pkg.name,
    pkg.version,
    pkg.section,
    sizeText(pkg.archive.sizeBytes),
    ...(sources ? [pkg.source === undefined ? '-' : sizeText(pkg.source.archive.sizeBytes)] : []),
    ...(changes ? [actionText(pkg)] : []),
    pkg.reason,
  ]);
  const head = [
    'PACKAGE',
    'VERSION',
    'SECTION',
    'SIZE',
    ...(sources ? ['SOURCE'] : []),
    ...(changes ? ['ACTION'] : []),
    'REASON',
  ];
  const table = rows.length === 0 ? '' : columns([head, ...rows], sources ? [3, 4] : [3]);
  const totals = `${countText(plan.totals.packages, 'package')}, ${sizeText(plan.totals.downloadBytes)} to download\n`;
  const notes = [
    ...plan.leftOut.map(({ name, why }) => `left out: ${name}: ${why}\n`),
    ...plan.removed.map(({ name, version }) => `removed: ${name} ${version}\n`),
    ...plan.orphaned.map(({ name, version }) => `orphaned: ${name} ${version}\n`),
  ];
  return table + totals + notes.join('');
}

function actionText(pkg: PlannedPackage): string {
  return pkg.replaces === undefined ? pkg.action : `${pkg.action} from ${pkg.replaces}`;
}
