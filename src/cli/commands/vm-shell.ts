import { defineCommand } from '../options/declare.ts';
import { EXIT_NO, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { TOPOLOGY_OPTIONS, VM_OPTIONS, openVm, printNotice } from '../options/vm.ts';
import { HIGHEST_PASSED_CODE, SNAPSHOT_CHOICE, GUEST_OPTIONS, settingsOf, withMachineCodes } from './vm-run.ts';

export const vmShellCommand = defineCommand({
  name: 'vm shell',
  summary: 'Open a shell in a machine resumed from a snapshot; discard its changes at the end',
  options: { ...VM_OPTIONS, ...TOPOLOGY_OPTIONS, ...GUEST_OPTIONS, ...SNAPSHOT_CHOICE },
  run(session, args) {
    if (args.topology !== 'direct') {
      throw new UsageError(
        `a shell cannot be opened with topology \`${args.topology}\``,
        'use `--topology direct`; every snapshot can be resumed with it',
      );
    }
    return withMachineCodes(session, args, () =>
      interruptible(async (signal) => {
        const context = await openVm(session, args, signal);
        const { findSnapshot } = await import('../../api/vm-find.ts');
        const { openShell } = await import('../../api/vm-shell.ts');
        const snapshot = await findSnapshot(args.snapshot, context);
        await printNotice(session, args, snapshot);
        const code = await openShell({ snapshot, ...settingsOf(args) }, context);
        return code === null || code > HIGHEST_PASSED_CODE ? EXIT_NO : code;
      }),
    );
  },
});
