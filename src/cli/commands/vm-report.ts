import type { VmReport } from '../../api/vm-report.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, flag, grouped, value, withDefault } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { VM_OPTIONS } from '../options/vm.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = {
  ...VM_OPTIONS,
  ...grouped('Output', {
    out: withDefault(value('FILE', 'Write the page to this file'), 'cygstrap-vm-report.html'),
    open: flag('Open the page in the browser of the desktop'),
  }),
};

export const vmReportCommand = defineCommand({
  name: 'vm report',
  summary: 'Write a page with the times of stages and runs, as charts and tables',
  options: OPTIONS,
  examples: [
    ['vm report --open', 'how long installations, snapshots and runs took'],
    ['vm report --json', 'the same numbers as JSON'],
  ],
  run: report,
});

async function report(session: Session, args: Arguments<typeof OPTIONS>): Promise<number> {
  const { output, host } = session;
  const { guest, vmDir, out, open, json } = args;
  const { makeVmReport } = await import('../../api/vm-report.ts');
  const { saveReport } = await import('../../api/report-page.ts');
  const { times, text } = await makeVmReport({ directory: vmDir, env: host.env, guest });
  await saveReport(out, text, { open, env: host.env });
  if (json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, report: out, times });
  } else await output.data(`wrote \`${out}\`: ${contentText(times)}, ${sizeText(Buffer.byteLength(text))}\n`);
  return EXIT_DONE;
}

function contentText(times: VmReport['times']): string {
  const attempts = times.filter(({ activity }) => activity !== 'run');
  const stages = new Set(attempts.flatMap(({ key, end }) => (end === 'done' ? [key] : []))).size;
  const runs = countText(times.length - attempts.length, 'run');
  return `${countText(stages, 'stage')} (${countText(attempts.length, 'attempt')}), ${runs}`;
}
