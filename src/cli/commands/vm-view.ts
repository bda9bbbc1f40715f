import { defineCommand, flag, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_INTERRUPTED } from '../terminal/failure.ts';
import { untilStopped } from '../terminal/interrupt.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import type { Session } from '../terminal/session.ts';
import { VM_OPTIONS } from '../options/vm.ts';

const OPTIONS = {
  machine: value('NAME', 'First characters of the name of the machine, if several are running'),
  control: flag('Send keys and mouse of the page to the guest; without it the page only shows'),
  'vm-dir': VM_OPTIONS['vm-dir'],
  ...OUTPUT_OPTIONS,
};

export const vmViewCommand = defineCommand({
  name: 'vm view',
  summary: 'Show screen, console and stages of a running machine on a page for your browser',
  options: OPTIONS,
  examples: [
    ['vm view', 'prints the address of the page; one browser can open it, once'],
    ['vm view --control --machine 3f9', 'with keys and mouse'],
  ],
  run: view,
});

/** Ends with success when the machine has ended, and on SIGTERM; on Ctrl-C with the exit code of an interruption. */
async function view({ output, host }: Session, args: Arguments<typeof OPTIONS>): Promise<number> {
  const { viewVm } = await import('../../api/vm-view.ts');
  const page = await viewVm(
    { machine: args.machine, isControlled: args.control },
    { directory: args.vmDir, env: host.env },
  );
  const stopped = untilStopped();
  try {
    const { url, machine } = page;
    if (args.json) {
      const { SCHEMA } = await import('../../report/json.ts');
      await output.json({ schema: SCHEMA, url, machine }, 'line');
    } else await output.data(`${url}\n`);
    const signal = await Promise.race([page.ended, stopped]);
    if (signal === undefined && !args.quiet) output.note('note', `machine ${machine.name} has ended`);
    return signal === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_DONE;
  } finally {
    await page.close();
  }
}
