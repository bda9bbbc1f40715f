import type { Argv } from 'yargs';
import type { VmContext } from '../../api/vm-context.ts';
import type { InstalledManifest, SnapshotManifest } from '../../stages/manifest.ts';
import { LOCK_NAME } from '../../core/lock/lock.ts';
import { EXIT_DONE } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import type { Choose, Session } from '../session.ts';
import { durationMs } from '../units.ts';
import { openVm, wishesOf, withInstallOptions, withTopology, withVmOptions } from './vm-options.ts';
import type { InstallArguments, VmArguments } from './vm-options.ts';

/** How a snapshot is wanted. */
export interface SnapshotArguments extends VmArguments {
  readonly portable?: boolean | undefined;
  readonly bootTimeout?: number | undefined;
}

/** Adds `vm install` and `vm snapshot`. */
export function addVmMake(yargs: Argv, choose: Choose): Argv {
  return yargs
    .command(
      'install',
      'Install what a lock names onto the blank disk of a new machine',
      (y) =>
        withInstallOptions(withVmOptions(y)).example('$0 vm install --repo ./repo --disk 16G', 'as little as it takes'),
      (args) => choose((session) => install(session, args)),
    )
    .command(
      'snapshot [install]',
      'Boot an installed disk, connect its shares and freeze it',
      (y) =>
        withSnapshotOptions(withTopology(withVmOptions(y))).positional('install', {
          type: 'string',
          describe: 'Beginning of the key of the installed disk [default: the last made]',
        }),
      (args) => choose((session) => snapshot(session, args)),
    );
}

export function withSnapshotOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('portable', {
      type: 'boolean',
      describe: 'Memory as one compressed stream, to be copied to other computers; revives slower',
    })
    .option('boot-timeout', {
      type: 'string',
      requiresArg: true,
      coerce: durationMs('boot-timeout'),
      describe: 'How long the guest may take to boot [default: 10m]',
    });
}

async function install(session: Session, args: InstallArguments): Promise<number> {
  const { key } = await interruptible(async (signal) => installed(await openVm(session, args, signal), args));
  return printed(session, args, { stage: 'install', key });
}

async function snapshot(
  session: Session,
  args: SnapshotArguments & { readonly install?: string | undefined },
): Promise<number> {
  const { key } = await interruptible(async (signal) => {
    const context = await openVm(session, args, signal);
    const { findInstalled } = await import('../../api/vm-run.ts');
    return frozen(context, args, await findInstalled(args.install, context));
  });
  return printed(session, args, { stage: 'snapshot', key });
}

async function printed(
  { output }: Session,
  args: VmArguments,
  made: { readonly stage: string; readonly key: string },
): Promise<number> {
  if (args.json === true) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...made });
  else await output.data(`${made.key}\n`);
  return EXIT_DONE;
}

/** Makes the installed disk that the arguments describe, or finds it made. */
export async function installed(context: VmContext, args: InstallArguments): Promise<InstalledManifest> {
  const { installVm } = await import('../../api/vm-install.ts');
  const { repo, lock = LOCK_NAME, add, keyring, vnc, stepTimeout, stallTimeout } = args;
  const limits = {
    ...(stepTimeout !== undefined && { stepTimeoutMs: stepTimeout }),
    ...(stallTimeout !== undefined && { stallTimeoutMs: stallTimeout }),
  };
  return installVm({ repo, lock, add, keyring, wishes: wishesOf(args), limits, vnc }, context);
}

/** Makes the snapshot of an installed disk, or finds it made. */
export async function frozen(
  context: VmContext,
  { portable, bootTimeout }: SnapshotArguments,
  disk: InstalledManifest,
): Promise<SnapshotManifest> {
  const { snapshotVm } = await import('../../api/vm-snapshot.ts');
  return snapshotVm({ installed: disk, isPortable: portable, bootTimeoutMs: bootTimeout }, context);
}
