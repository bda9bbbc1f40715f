import { defineCommand, guestCommand } from '../options/declare.ts';
import { INSTALL_OPTIONS, TOPOLOGY_OPTIONS, VM_OPTIONS } from '../options/vm.ts';
import { WINDOWS_OPTIONS } from '../options/windows.ts';
import { install } from './vm-install.ts';
import { RUN_OPTIONS, runIn } from './vm-run.ts';
import { SNAPSHOT_OPTIONS, snapshot } from './vm-snapshot.ts';

export const buildCommand = defineCommand({
  name: 'build',
  summary: 'Install, make a snapshot and run the command after --; reuse the stages that did not change',
  positionals: { command: guestCommand('The command to run in the guest, after --') },
  options: {
    ...VM_OPTIONS,
    ...TOPOLOGY_OPTIONS,
    ...INSTALL_OPTIONS,
    ...WINDOWS_OPTIONS,
    ...RUN_OPTIONS,
    ...SNAPSHOT_OPTIONS,
  },
  examples: [['build --repo ./repo -- uname -a', 'a second time this takes about a second']],
  run: (session, args) =>
    runIn(session, args, async (context) => snapshot(context, args, await install(session, context, args))),
});
