import type { Conflict } from '../core/resolve/plan.ts';

/** Renders a conflict for people: what cannot be installed, then one line for each step of the chain that explains it.
 */
export function conflictText({ message, steps }: Conflict): string {
  return [message, ...steps.map(({ text }) => `  - ${text}`)].join('\n');
}
