import type { Conflict } from '../../core/resolve/plan.ts';
import { MAX_LINES, moreLines } from '../../report/lines.ts';
import { EXIT_NO } from './failure.ts';
import type { Output } from './output.ts';

/** Prints why there is no plan. Text ends after 10,000 lines unless it is requested in full. Returns the exit code. */
export async function refuse(
  output: Output,
  conflicts: readonly Conflict[],
  { json, full }: { readonly json: boolean; readonly full: boolean },
): Promise<number> {
  if (json) {
    const { refusalJson } = await import('../../report/json.ts');
    await output.json(refusalJson(conflicts));
    return EXIT_NO;
  }
  const { conflictStart } = await import('../../report/conflict.ts');
  let left = full ? Infinity : MAX_LINES;
  let more = 0;
  for (const conflict of conflicts) {
    const lines = 1 + conflict.steps.length + conflict.suggestions.length;
    if (left <= 0) more += lines;
    else {
      output.note('error', conflictStart(conflict, left));
      for (const suggestion of conflict.suggestions) output.note('hint', suggestion);
    }
    left -= lines;
  }
  if (more > 0) output.plain(moreLines(more));
  return EXIT_NO;
}
