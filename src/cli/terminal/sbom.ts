import type { ReportFormat, ReportSubject } from '../../api/report.ts';
import { answerContext } from './answer-context.ts';
import { EXIT_DONE } from './failure.ts';
import { interruptible } from './interrupt.ts';
import { refuse } from './refuse.ts';
import type { Session } from './session.ts';

/** Prints a software bill of materials, or why there is none. Returns the exit code. */
export async function printSbom(
  session: Session,
  args: Parameters<typeof answerContext>[1] & { readonly full: boolean },
  subject: ReportSubject,
  format: ReportFormat,
): Promise<number> {
  const { makeReport } = await import('../../api/report.ts');
  const context = { ...answerContext(session, args), format };
  const result = await interruptible((signal) => makeReport(subject, { ...context, signal }));
  if (result.kind === 'conflict') return refuse(session.output, result.conflicts, { json: false, full: args.full });
  await session.output.data(result.text);
  return EXIT_DONE;
}
