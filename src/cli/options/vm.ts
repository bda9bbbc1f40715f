import { CHOICES, DEFAULTS } from '../../api/defaults.ts';
import type { VmContext } from '../../api/vm-context.ts';
import type { Event, Report } from '../../events.ts';
import type { MachineOptions } from '../../stages/manifest.ts';
import { choice, documentDefault, flag, grouped, list, parsed, value, withDefault } from './declare.ts';
import type { Arguments } from './declare.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { LOCK_DEFAULT } from './lock.ts';
import { OUTPUT_OPTIONS } from './options.ts';
import { REPO_OPTION } from './repo.ts';
import { reporter, stageText } from '../terminal/reporter.ts';
import type { Verbosity } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { durationMs, sizeMiB, wholeNumber } from './units.ts';

/** Options of all commands for machines. */
export const VM_OPTIONS = {
  guest: documentDefault(
    value('KIND', 'Install this kind of guest, or look for its stages'),
    'that of the ISO image, otherwise stand-in; stages of every kind',
  ),
  'vm-dir': documentDefault(value('DIR', 'Directory of all stages'), 'cygstrap/vm in the cache directory of the user'),
  ...OUTPUT_OPTIONS,
};

/** Options of commands whose machines have a network. */
export const TOPOLOGY_OPTIONS = {
  topology: withDefault(
    choice(
      CHOICES.topologies,
      'Connect the guest to QEMU itself, or by a switch or a socket to a machine that serves shares',
    ),
    DEFAULTS.topology,
  ),
};

/** The hardware of a machine, installed or booted. */
export const MACHINE_OPTIONS = grouped('Machine', {
  memory: parsed('SIZE', 'Set the size of the RAM, such as 2G', sizeMiB),
  cpus: parsed('N', 'Set the number of processors', wholeNumber(1, 999_999)),
  'empty-disk': list('SIZE', 'Add a disk of this size, empty at each start; repeat for several', sizeMiB),
  'qemu-arg': list('WORD', 'Pass this word to QEMU; repeat, as in --qemu-arg=-device --qemu-arg=usb-ehci'),
});

/** Options of the installation and its machine. */
export const INSTALL_OPTIONS = {
  ...MACHINE_OPTIONS,
  ...REPO_OPTION,
  lock: documentDefault(value('FILE', 'Install the packages of this lock'), LOCK_DEFAULT),
  add: list('FILE[=PATH]', 'Add this file or directory to the medium, at PATH; repeat for several'),
  keyring: list('FILE', 'Trust the OpenPGP keys in this file too, for the setup program; repeat for several'),
  'step-timeout': documentDefault(
    parsed('TIME', 'Abort when one step of the installation takes longer', durationMs),
    'the limit of the step',
  ),
  'stall-timeout': documentDefault(
    parsed('TIME', 'Abort when the installation shows no progress for longer', durationMs),
    'the limit of the guest',
  ),
  'allow-postinstall-failure': list(
    'NAME',
    'Accept that the postinstall script of this package fails; repeat for several',
  ),
  ...grouped('Machine', {
    disk: parsed('SIZE', 'Set the size of the disk, such as 16G', sizeMiB),
    firmware: documentDefault(
      choice(CHOICES.firmware, 'Start the machine by this firmware'),
      'set by the kind of guest',
    ),
    tpm: flag('Add a TPM 2.0 to the machine; needs swtpm'),
  }),
};

export type VmArguments = Arguments<typeof VM_OPTIONS>;
export type MachineArguments = Arguments<typeof MACHINE_OPTIONS>;
export type InstallArguments = Arguments<typeof INSTALL_OPTIONS>;

/** Help of the positional that names an installed disk. */
export const INSTALLED_DISK = 'First characters of the key of an installed disk [default: the newest]';

/** Returns the hardware that the options set; the rest has the defaults of the kind of guest. */
export function machineOptionsOf({
  memory,
  cpus,
  disk,
  emptyDisk,
  firmware,
  tpm,
  qemuArg,
}: MachineArguments & Partial<Pick<InstallArguments, 'disk' | 'firmware' | 'tpm'>>): Partial<MachineOptions> {
  return {
    ...(memory !== undefined && { memoryMiB: memory }),
    ...(cpus !== undefined && { cpus }),
    ...(disk !== undefined && { diskMiB: disk }),
    ...(emptyDisk.length > 0 && { emptyDisksMiB: emptyDisk }),
    ...(firmware !== undefined && { firmware }),
    ...(tpm !== undefined && { tpm }),
    ...(qemuArg.length > 0 && { qemuArguments: qemuArg }),
  };
}

/** Prepares what the stages of a machine need; aborting `signal` ends all of it. */
export async function openVm(
  session: Session,
  args: VmArguments & Partial<Arguments<typeof TOPOLOGY_OPTIONS>>,
  signal: AbortSignal,
): Promise<VmContext> {
  const { prepareVm } = await import('../../api/vm-context.ts');
  return prepareVm({
    guest: args.guest,
    directory: args.vmDir,
    topology: args.topology,
    env: session.host.env,
    report: stageReporter(session, args),
    signal,
  });
}

/** Prints the notice of a guest kind, unless quiet. */
export async function printNotice(
  { output }: Session,
  { quiet }: Verbosity,
  { guest }: { readonly guest: string },
): Promise<void> {
  const { guestKind } = await import('../../api/guest-kinds.ts');
  const { notice } = guestKind(guest);
  if (notice !== undefined && !quiet) output.note('note', notice);
}

/** Prints the stages that are made, unless quiet: they take minutes. Prints all other events like `reporter`. */
function stageReporter({ output }: Session, verbosity: Verbosity): Report {
  const others = reporter(output, verbosity);
  return (event: Event) => {
    const text = stageText(event);
    if (text === undefined) others(event);
    else if (verbosity.verbose || (!verbosity.quiet && event.kind !== 'stage-reused')) output.note('note', text);
  };
}

/** Prints which stage a command made or found. */
export async function printStage(
  { output }: Session,
  { json }: VmArguments,
  stage: { readonly stage: string; readonly key: string },
): Promise<number> {
  if (json) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...stage });
  else await output.data(`${stage.key}\n`);
  return EXIT_DONE;
}
