import type { VmContext } from '../../api/vm-context.ts';
import type { InstalledManifest } from '../../stages/manifest.ts';
import { defineCommand } from '../options/declare.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { INSTALL_OPTIONS, VM_OPTIONS, machineOptionsOf, openVm, printStage } from '../options/vm.ts';
import type { InstallArguments } from '../options/vm.ts';

export const vmInstallCommand = defineCommand({
  name: 'vm install',
  summary: 'Install the packages of a lock onto the blank disk of a new machine',
  options: { ...VM_OPTIONS, ...INSTALL_OPTIONS },
  examples: [['vm install --repo ./repo --disk 16G', 'with all other defaults']],
  async run(session, args) {
    const { key } = await interruptible(async (signal) => install(await openVm(session, args, signal), args));
    return printStage(session, args, { stage: 'install', key });
  },
});

/** Makes the installed disk that the options describe, or finds the existing one. */
export async function install(context: VmContext, args: InstallArguments): Promise<InstalledManifest> {
  const { installVm } = await import('../../api/vm-install.ts');
  const { repo, lock, add, keyring, stepTimeout, stallTimeout } = args;
  const limits = {
    ...(stepTimeout !== undefined && { stepTimeoutMs: stepTimeout }),
    ...(stallTimeout !== undefined && { stallTimeoutMs: stallTimeout }),
  };
  return installVm({ repo, lock, add, keyring, machineOptions: machineOptionsOf(args), limits }, context);
}
