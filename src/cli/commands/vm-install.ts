import type { VmContext } from '../../api/vm-context.ts';
import type { VmInstallRequest } from '../../api/vm-install.ts';
import type { InstalledManifest } from '../../stages/manifest.ts';
import { defineCommand, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Session } from '../terminal/session.ts';
import { INSTALL_OPTIONS, VM_OPTIONS, machineOptionsOf, openVm, printNotice, printStage } from '../options/vm.ts';
import type { InstallArguments, VmArguments } from '../options/vm.ts';
import { withProject } from '../options/repo.ts';
import { WINDOWS_OPTIONS, windowsSetupOf } from '../options/windows.ts';

type WindowsArguments = Arguments<typeof WINDOWS_OPTIONS>;

export const vmInstallCommand = defineCommand({
  name: 'vm install',
  summary: 'Install a guest and the packages of a lock onto the blank disk of a new machine',
  options: {
    ...VM_OPTIONS,
    ...INSTALL_OPTIONS,
    ...WINDOWS_OPTIONS,
    'dry-run': value('DIR', 'Only write the media and the command line of QEMU into this new directory'),
  },
  examples: [
    ['vm install --repo ./repo --disk 16G', 'with all other defaults'],
    ['vm install --repo ./repo --iso win.iso', 'Windows, unattended'],
  ],
  run(session, args) {
    return interruptible(async (signal) => {
      const context = await openVm(session, args, signal);
      if (args.dryRun !== undefined) return dryRun(session, context, { ...args, dryRun: args.dryRun });
      const { key } = await install(session, context, args);
      return printStage(session, args, { stage: 'install', key });
    });
  },
});

/** Makes the installed disk that the options describe, or finds the existing one. */
export async function install(
  session: Session,
  context: VmContext,
  args: VmArguments & InstallArguments & WindowsArguments,
): Promise<InstalledManifest> {
  const { installVm } = await import('../../api/vm-install.ts');
  return installVm(await requestOf(session, context, args), context);
}

async function dryRun(
  session: Session,
  context: VmContext,
  args: VmArguments & InstallArguments & WindowsArguments & { readonly dryRun: string },
): Promise<number> {
  const { planInstall } = await import('../../api/vm-install.ts');
  const plan = await planInstall({ ...(await requestOf(session, context, args)), out: args.dryRun }, context);
  if (args.json) await session.output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...plan });
  else await session.output.data(plan.files.map((path) => `${path}\n`).join(''));
  return EXIT_DONE;
}

async function requestOf(
  session: Session,
  context: VmContext,
  args: VmArguments & InstallArguments & WindowsArguments,
): Promise<VmInstallRequest> {
  const { repo, lock, add, keyring, stepTimeout, stallTimeout, allowPostinstallFailure } = await withProject(args);
  const windows = await windowsSetupOf(context, args);
  await printNotice(session, args, { guest: windows?.kind ?? context.guest.name });
  const limits = {
    ...(stepTimeout !== undefined && { stepTimeoutMs: stepTimeout }),
    ...(stallTimeout !== undefined && { stallTimeoutMs: stallTimeout }),
  };
  return {
    repo,
    lock,
    add,
    keyring,
    windows,
    machineOptions: machineOptionsOf(args),
    allowedPostinstallFailures: allowPostinstallFailure,
    limits,
  };
}
