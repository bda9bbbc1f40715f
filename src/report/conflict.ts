import type { Conflict } from '../core/resolve/plan.ts';
import { Lines } from './lines.ts';

/** Renders a conflict for users: what cannot be installed, then one line for each step of the chain that explains it.
 */
export function conflictText(conflict: Conflict): string {
  return conflictStart(conflict, Infinity);
}

/** Renders the first lines of a conflict and the number of those left out. */
export function conflictStart({ message, steps }: Conflict, maxLines: number): string {
  const lines = new Lines({ maxLines });
  lines.add(() => message);
  for (const { text } of steps) lines.add(() => `  - ${text}`);
  return lines.toArray().join('\n');
}
