import type { Difference } from '../core/version/differences.ts';
import { columns } from './text.ts';

/** Renders a difference: one line for each package, by name, and a last line with the totals, which has no newline. */
export function differenceText({ added, removed, changed }: Difference): string {
  const rows = [
    ...added.map(({ name, version }) => ({ name, cells: ['+', name, '', version] })),
    ...removed.map(({ name, version }) => ({ name, cells: ['-', name, version] })),
    ...changed.map(({ name, from, to, direction }) => ({ name, cells: ['~', name, from, to, direction] })),
  ].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  const totals = `${added.length} added, ${removed.length} removed, ${changed.length} changed`;
  return `${columns(rows.map(({ cells }) => cells))}${totals}`;
}
