import type { Conflict } from '../../core/resolve/plan.ts';
import { EXIT_NO } from './failure.ts';
import type { Output } from './output.ts';

/** Prints why there is no plan. Returns the exit code. */
export async function refuse(output: Output, conflicts: readonly Conflict[], format: 'text' | 'json'): Promise<number> {
  if (format === 'json') {
    const { refusalJson } = await import('../../report/json.ts');
    await output.json(refusalJson(conflicts));
    return EXIT_NO;
  }
  const { conflictText } = await import('../../report/conflict.ts');
  for (const conflict of conflicts) {
    output.note('error', conflictText(conflict));
    for (const suggestion of conflict.suggestions) output.note('hint', suggestion);
  }
  return EXIT_NO;
}
