import type { Argv } from 'yargs';
import type { MachineWishes } from '../../stages/manifest.ts';
import type { VmContext } from '../../api/vm-context.ts';
import { TOPOLOGIES } from '../../stages/topology.ts';
import type { TopologyName } from '../../stages/topology.ts';
import type { Event, Report } from '../../events.ts';
import { printable } from '../../report/text.ts';
import { once } from '../options.ts';
import { reporter, stageText } from '../session.ts';
import type { Loudness, Session } from '../session.ts';
import { durationMs, positive, sizeMiB } from '../units.ts';
import { packageVersion } from '../version.ts';

const word = { type: 'string', requiresArg: true } as const;

/** What all commands about machines take. */
export interface VmArguments extends Loudness {
  readonly vmDir?: string | undefined;
  readonly guest?: string | undefined;
  readonly topology?: TopologyName | undefined;
  readonly json?: boolean | undefined;
}

/** What is said of a machine, whatever it is for. */
export interface MachineArguments extends VmArguments {
  readonly memory?: number | undefined;
  readonly cpus?: number | undefined;
  readonly emptyDisk?: readonly number[] | undefined;
  readonly qemuArg?: readonly string[] | undefined;
  readonly vnc?: string | undefined;
}

/** What is said of one that is to be installed. */
export interface InstallArguments extends MachineArguments {
  readonly repo: string;
  readonly lock?: string | undefined;
  readonly add?: readonly string[] | undefined;
  readonly keyring?: readonly string[] | undefined;
  readonly disk?: number | undefined;
  readonly stepTimeout?: number | undefined;
  readonly stallTimeout?: number | undefined;
}

export function withVmOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('guest', { ...word, coerce: once('guest'), default: 'stand-in', describe: 'Kind of guest' })
    .option('vm-dir', {
      ...word,
      coerce: once('vm-dir'),
      describe: 'Directory of all stages [default: cygstrap/vm in the cache directory]',
    })
    .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
    .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
    .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell on stderr what is done' });
}

/** For commands whose machines have a network. */
export function withTopology<T>(yargs: Argv<T>) {
  return yargs.option('topology', {
    ...word,
    choices: TOPOLOGIES,
    default: 'direct' as const satisfies TopologyName,
    describe:
      'What the guest is plugged into: QEMU itself, or a machine that serves its shares, by a switch or a socket',
  });
}

/** What the machine is, installed or booted. */
export function withMachineOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('memory', { ...word, group: 'Machine:', coerce: sizeMiB('memory'), describe: 'RAM, such as 2G' })
    .option('cpus', { ...word, group: 'Machine:', coerce: positive('cpus'), describe: 'Processors' })
    .option('empty-disk', {
      ...word,
      array: true,
      group: 'Machine:',
      coerce: (values: readonly string[]) => values.map(sizeMiB('empty-disk')),
      describe: 'A further disk of this size, empty at each start; repeat for several',
    })
    .option('qemu-arg', {
      ...word,
      array: true,
      group: 'Machine:',
      describe: 'A word for QEMU, as it is; repeat for several, as in --qemu-arg=-device --qemu-arg=usb-ehci',
    });
}

export function withInstallOptions<T>(yargs: Argv<T>) {
  return withMachineOptions(yargs)
    .option('repo', {
      ...word,
      demandOption: true,
      coerce: (value: string | readonly string[]) => once('repo')(value) ?? '',
      describe: 'Directory of the repo',
    })
    .option('lock', { ...word, coerce: once('lock'), describe: 'The lock to install [default: cygstrap.lock.json]' })
    .option('add', {
      ...word,
      array: true,
      describe: 'A file or directory to put on the medium too, as FILE or FILE=PATH; repeat for several',
    })
    .option('keyring', {
      ...word,
      array: true,
      describe: 'Trust the keys in this file too, for the setup program of the repo',
    })
    .option('disk', { ...word, group: 'Machine:', coerce: sizeMiB('disk'), describe: 'Size of the disk, such as 16G' })
    .option('vnc', {
      ...word,
      group: 'Machine:',
      coerce: once('vnc'),
      describe: 'Show the screen of the installation by VNC on this unix socket',
    })
    .option('step-timeout', {
      ...word,
      coerce: durationMs('step-timeout'),
      describe: 'The longest for one step of the installation [default: 60m]',
    })
    .option('stall-timeout', {
      ...word,
      coerce: durationMs('stall-timeout'),
      describe: 'The longest without any sign of it [default: 10m]',
    });
}

/** What the user wishes of the machine. */
export function wishesOf({
  memory,
  cpus,
  disk,
  emptyDisk,
  qemuArg,
}: Pick<InstallArguments, 'memory' | 'cpus' | 'disk' | 'emptyDisk' | 'qemuArg'>): Partial<MachineWishes> {
  return {
    ...(memory !== undefined && { memoryMiB: memory }),
    ...(cpus !== undefined && { cpus }),
    ...(disk !== undefined && { diskMiB: disk }),
    ...(emptyDisk !== undefined && { emptyDisksMiB: emptyDisk }),
    ...(qemuArg !== undefined && { qemuArguments: qemuArg }),
  };
}

/** Opens what the stages need; `signal` ends all of it. */
export async function openVm(session: Session, args: VmArguments, signal: AbortSignal): Promise<VmContext> {
  const { prepareVm } = await import('../../api/vm-context.ts');
  return prepareVm({
    guest: args.guest,
    directory: args.vmDir,
    topology: args.topology,
    environment: session.host.env,
    version: packageVersion(),
    report: stageReporter(session, args),
    signal,
  });
}

/** Tells of stages as they go, unless quiet; what takes minutes is not silent. */
export function stageReporter({ output }: Session, loudness: Loudness): Report {
  const others = reporter(output, loudness);
  return (event: Event) => {
    const text = stageText(event);
    if (text === undefined) others(event);
    else if (loudness.quiet !== true && event.kind !== 'stage-reused') output.note('note', printable(text));
    else if (loudness.verbose === true) output.note('note', printable(text));
  };
}
