import type { Argv } from 'yargs';
import { CygstrapError } from '../../errors.ts';
import type { MountAccess } from '../../guest/kind.ts';
import type { BootShare } from '../../stages/boot.ts';
import { shellLine } from '../../vm/argv/words.ts';
import { printable } from '../../report/text.ts';
import { EXIT_DONE, EXIT_WORLD, UsageError } from '../failure.ts';
import { untilStopped } from '../interrupt.ts';
import { once } from '../options.ts';
import type { Choose, Session } from '../session.ts';
import { openVm, withMachineOptions, withVmOptions, wishesOf } from './vm-options.ts';
import type { MachineArguments } from './vm-options.ts';

interface BootArguments extends MachineArguments {
  readonly install?: string | undefined;
  readonly diskFile?: string | undefined;
  readonly store?: string | undefined;
  readonly xchg?: string | undefined;
  readonly share?: readonly string[] | undefined;
  readonly switch?: readonly string[] | undefined;
}

/** Adds `vm boot`. */
export function addVmBoot(yargs: Argv, choose: Choose): Argv {
  const word = { type: 'string', requiresArg: true } as const;
  return yargs.command(
    'boot [install]',
    'Boot an installed disk and show its console until it powers off, which Ctrl-C asks it to',
    (y) =>
      withMachineOptions(withVmOptions(y))
        .positional('install', {
          type: 'string',
          describe: 'Beginning of the key of the installed disk [default: the last made]',
        })
        .option('disk-file', {
          ...word,
          coerce: once('disk-file'),
          describe:
            'Keep what the guest writes to its disk in this file, and go on with it the next time [default: discarded]',
        })
        .option('store', {
          ...word,
          coerce: once('store'),
          describe: 'Directory that the guest sees read-only as its share `store`',
        })
        .option('xchg', {
          ...word,
          coerce: once('xchg'),
          describe: 'Directory that the guest sees as its share `xchg`',
        })
        .option('share', {
          ...word,
          array: true,
          describe:
            'A further directory over 9p, as TAG=DIR, TAG=DIR:ro or TAG=DIR:overlay, where writes are seen in the guest alone and end with it; the stand-in has it at /mnt/TAG; repeat for several',
        })
        .option('switch', {
          ...word,
          array: true,
          describe: 'Directory of a running vde_switch: a further network card in it; repeat for several',
        })
        .option('vnc', {
          ...word,
          group: 'Machine:',
          coerce: once('vnc'),
          describe: 'Show the screen by VNC on this unix socket',
        })
        .example('$0 vm boot --disk-file mine.qcow2 --share src=./src', 'a machine that keeps what it writes'),
    (args) => choose((session) => boot(session, args)),
  );
}

async function boot(session: Session, args: BootArguments): Promise<number> {
  const { output } = session;
  const shares = (args.share ?? []).map(shareOf);
  const { powerOff, stopped } = stops(() => {
    if (args.quiet !== true) output.note('note', 'the power button is pressed; Ctrl-C again ends the machine at once');
  });
  const context = await openVm(session, args, stopped);
  const { findInstalled } = await import('../../api/vm-run.ts');
  const { bootMachine } = await import('../../stages/boot.ts');
  const installed = await findInstalled(args.install, context);
  const { diskFile, store, xchg, vnc, switch: switches = [] } = args;
  const exit = await bootMachine(
    context,
    { installed, wishes: wishesOf(args), diskFile, store, xchg, shares, switches, vnc },
    {
      onLine: (line) => output.data(`${printable(line)}\n`),
      onSsh: (argv) => {
        if (args.quiet !== true) output.note('note', `ssh, once it has booted: ${shellLine(argv)}`);
      },
      powerOff,
    },
  );
  if (args.quiet !== true) output.note('note', `it ended: ${exit.reason}`);
  return exit.reason === 'guest-panic' ? EXIT_WORLD : EXIT_DONE;
}

/** Two signals: the first request to stop presses the power button, the second ends the machine. */
function stops(onFirst: () => void): { readonly powerOff: AbortSignal; readonly stopped: AbortSignal } {
  const [powerOff, stopped] = [new AbortController(), new AbortController()];
  const listen = async (): Promise<void> => {
    await untilStopped();
    onFirst();
    powerOff.abort();
    await untilStopped();
    stopped.abort(
      new CygstrapError('interrupted', 'interrupted', { hint: 'what the guest wrote to its disk may be incomplete' }),
    );
  };
  void listen();
  return { powerOff: powerOff.signal, stopped: stopped.signal };
}

function shareOf(word: string): BootShare {
  const [, tag, path, access = 'rw'] = /^([\w-]{1,31})=(.+?)(?::(ro|overlay))?$/.exec(word) ?? [];
  if (tag === undefined || path === undefined)
    throw new UsageError(`--share is no share: \`${word}\``, 'write TAG=DIR, TAG=DIR:ro or TAG=DIR:overlay');
  return { tag, path, access: access as MountAccess };
}
