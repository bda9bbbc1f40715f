import type { VmContext } from '../../api/vm-context.ts';
import type { InstalledManifest, SnapshotManifest } from '../../stages/manifest.ts';
import { defineCommand, documentDefault, flag, optional, parsed } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { durationMs } from '../options/units.ts';
import { INSTALLED_DISK, TOPOLOGY_OPTIONS, VM_OPTIONS, openVm, printNotice, printStage } from '../options/vm.ts';

/** How a snapshot is made. */
export const SNAPSHOT_OPTIONS = {
  portable: flag('Store the memory as one compressed stream, to copy it to other computers; resumes more slowly'),
  'boot-timeout': documentDefault(
    parsed('TIME', 'Abort when the guest takes longer to boot', durationMs),
    'the limit of the guest',
  ),
};

export const vmSnapshotCommand = defineCommand({
  name: 'vm snapshot',
  summary: 'Boot an installed disk, connect its shares and make a snapshot of the running machine',
  positionals: { install: optional(INSTALLED_DISK) },
  options: { ...VM_OPTIONS, ...TOPOLOGY_OPTIONS, ...SNAPSHOT_OPTIONS },
  async run(session, args) {
    const { key } = await interruptible(async (signal) => {
      const context = await openVm(session, args, signal);
      const { findInstalled } = await import('../../api/vm-find.ts');
      const installed = await findInstalled(args.install, context);
      await printNotice(session, args, installed);
      return snapshot(context, args, installed);
    });
    return printStage(session, args, { stage: 'snapshot', key });
  },
});

/** Makes the snapshot of an installed disk, or finds the existing one. */
export async function snapshot(
  context: VmContext,
  { portable, bootTimeout }: Arguments<typeof SNAPSHOT_OPTIONS>,
  installed: InstalledManifest,
): Promise<SnapshotManifest> {
  const { snapshotVm } = await import('../../api/vm-snapshot.ts');
  return snapshotVm({ installed, isPortable: portable, bootTimeoutMs: bootTimeout }, context);
}
