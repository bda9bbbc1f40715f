import { CygstrapError } from '../../errors.ts';
import type { VmBootShare } from '../../api/vm-boot.ts';
import { defineCommand, documentDefault, list, optional, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_WORLD, UsageError } from '../terminal/failure.ts';
import { onSignals } from '../terminal/interrupt.ts';
import type { Session } from '../terminal/session.ts';
import { INSTALLED_DISK, MACHINE_OPTIONS, VM_OPTIONS, machineOptionsOf, openVm, printNotice } from '../options/vm.ts';

type BootArguments = Arguments<typeof OPTIONS> & { readonly install: string | undefined };

const OPTIONS = {
  ...VM_OPTIONS,
  ...MACHINE_OPTIONS,
  'disk-file': documentDefault(
    value('FILE', 'Keep what the guest writes to its disk in this file, and use it again the next time'),
    'writes are discarded',
  ),
  store: value('DIR', 'Share this directory with the guest as `store`, read-only'),
  xchg: value('DIR', 'Share this directory with the guest as `xchg`'),
  share: list(
    'TAG=DIR[:ACCESS]',
    'Share a further directory over 9p; ACCESS ro is read-only, overlay discards writes; repeat for several',
  ),
  switch: list('DIR', 'Add a network card in the running vde_switch of this directory; repeat for several'),
};

export const vmBootCommand = defineCommand({
  name: 'vm boot',
  summary: 'Boot an installed disk and show its console; Ctrl-C shuts the guest down',
  positionals: { install: optional(INSTALLED_DISK) },
  options: OPTIONS,
  examples: [['vm boot --disk-file mine.qcow2 --share src=./src', 'a machine that keeps what it writes']],
  run: boot,
});

async function boot(session: Session, args: BootArguments): Promise<number> {
  const { output } = session;
  const shares = args.share.map(shareOf);
  const { shutdown, stopped } = stops(() => {
    if (!args.quiet) output.note('note', 'shutting the guest down; press Ctrl-C again to end the machine at once');
  });
  const context = await openVm(session, args, stopped);
  const { findInstalled } = await import('../../api/vm-find.ts');
  const { bootVm } = await import('../../api/vm-boot.ts');
  const installed = await findInstalled(args.install, context);
  await printNotice(session, args, installed);
  const { diskFile, store, xchg, switch: switches } = args;
  const exit = await bootVm(
    { installed, machineOptions: machineOptionsOf(args), diskFile, store, xchg, shares, switches },
    context,
    {
      onLine: (line) => output.data(`${line}\n`),
      onSsh: (commandLine) => {
        if (!args.quiet) output.note('note', `connect by ssh when it has booted: ${commandLine}`);
      },
      shutdown,
    },
  );
  if (!args.quiet) output.note('note', `the machine ended: ${exit.reason}`);
  return exit.reason === 'guest-panic' ? EXIT_WORLD : EXIT_DONE;
}

/** Returns two signals: the first Ctrl-C shuts the guest down, the second ends the machine. */
function stops(onFirst: () => void): { readonly shutdown: AbortSignal; readonly stopped: AbortSignal } {
  const [shutdown, stopped] = [new AbortController(), new AbortController()];
  onSignals([
    () => {
      onFirst();
      shutdown.abort();
    },
    () =>
      stopped.abort(
        new CygstrapError('interrupted', 'interrupted', { hint: 'what the guest wrote to its disk may be incomplete' }),
      ),
  ]);
  return { shutdown: shutdown.signal, stopped: stopped.signal };
}

function shareOf(word: string): VmBootShare {
  const [, tag, path, access = 'rw'] = /^([\w-]{1,31})=(.+?)(?::(ro|overlay))?$/.exec(word) ?? [];
  if (tag === undefined || path === undefined)
    throw new UsageError(`--share has a wrong value: \`${word}\``, 'write TAG=DIR, TAG=DIR:ro or TAG=DIR:overlay');
  return { tag, path, access: access as VmBootShare['access'] };
}
