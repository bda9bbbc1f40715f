import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForMarker } from '../guest/console.ts';
import { startController } from '../guest/controller/controller.ts';
import type { Controller } from '../guest/controller/controller.ts';
import { controllerImage } from '../guest/controller/image.ts';
import { savedController } from '../guest/controller/saved.ts';
import { GuestError } from '../guest/guest-error.ts';
import { runChecked } from '../guest/ssh-run.ts';
import type { RunCommand } from '../guest/ssh-run.ts';
import { SSH_FILES } from '../guest/ssh.ts';
import type { Machine } from '../vm/machine.ts';
import { startVdeSwitch } from '../vm/network/vde.ts';
import type { LinkSpec } from '../vm/spec.ts';
import { VmError } from '../vm/vm-error.ts';
import type { StageContext } from './context.ts';
import type { GuestShell, NetworkAttachment, AttachmentOptions } from './topology.ts';

const READY_TIMEOUT_MS = 60_000;
const SEEN_TIMEOUT_MS = 60_000;

/** Puts a controller beside the guest, on a switch or on a socket: it serves the shares and runs the commands over ssh. The first time on a
 *  host it is made and saved, which takes a minute. */
export async function attachController(
  context: StageContext,
  kind: 'vde' | 'stream',
  options: AttachmentOptions,
): Promise<NetworkAttachment> {
  const { host, cacheDir, report, signal } = context;
  const { shares, directory, installed } = options;
  const image = await controllerImage({ cacheDir, report, signal });
  const saved = await savedController(host, { image, cacheDir, report, signal });
  const jobs = join(directory, 'jobs');
  await mkdir(jobs, { mode: 0o700 });
  const vdeSwitch = kind === 'vde' ? await startVdeSwitch(host, { directory, signal }) : undefined;
  if (vdeSwitch !== undefined) report({ kind: 'note', message: `the switch runs: process ${vdeSwitch.pid}` });
  // The end that others connect to has to be there first.
  const link = (isServer: boolean): LinkSpec =>
    vdeSwitch === undefined
      ? { kind: 'stream', path: join(directory, 'net'), isServer }
      : { kind: 'vde', directory: vdeSwitch.directory };
  let controller: Controller;
  try {
    controller = await startController(host, {
      image,
      saved,
      directories: { ...shares, jobs },
      link: link(true),
      directory,
      report,
      signal,
    });
  } catch (error) {
    await vdeSwitch?.[Symbol.asyncDispose]();
    throw error;
  }
  const { user } = context.guest;
  const login = {
    user,
    privateKey: join(installed, SSH_FILES.privateKey),
    knownHosts: join(installed, SSH_FILES.knownHosts),
  };
  const died = Promise.race([deathOf(controller), ...(vdeSwitch === undefined ? [] : [vdeSwitch.died])]);
  died.catch(() => {});
  return {
    link: link(false),
    shellOf: (guest) => shellOver(context, { controller, died, guest, login }),
    [Symbol.asyncDispose]: async () => {
      await controller[Symbol.asyncDispose]();
      await vdeSwitch?.[Symbol.asyncDispose]();
      // The next in this directory begins with none.
      await rm(jobs, { recursive: true, force: true });
    },
  };
}

async function deathOf({ machine }: Controller): Promise<never> {
  const exit = await machine.exited;
  if (exit.reason !== 'died')
    throw new VmError(`the controller ended: ${exit.reason}`, { details: { consoleLog: machine.files.consoleLog } });
  throw new VmError('the controller died', { cause: exit.error, details: exit.error.details });
}

interface Ends {
  readonly controller: Controller;
  /** Rejects when the controller or the switch ends. */
  readonly died: Promise<never>;
  readonly guest: Machine;
  readonly login: { readonly user: string; readonly privateKey: string; readonly knownHosts: string };
}

function shellOver({ guest: kind }: StageContext, { controller, died, guest, login }: Ends): GuestShell {
  /** Does something as long as all that it needs lives. */
  const whileAllLive = async <T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const ours = new AbortController();
    try {
      return await Promise.race([
        died,
        guest.unlessEnded(work(signal === undefined ? ours.signal : AbortSignal.any([signal, ours.signal]))),
      ]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      ours.abort();
    }
  };
  const run: RunCommand = (command, { signal, onOutput }) =>
    whileAllLive(signal, async (stop) => {
      const code = controller.runJob({ ...login, command }, { signal: stop, onOutput });
      // The controller itself would wait for the guest without end.
      const seen = waitForMarker(controller.machine, 'running', { timeoutMs: SEEN_TIMEOUT_MS, signal: stop }).catch(
        (cause: unknown) => {
          throw new GuestError('guest', `ssh of the guest did not answer the controller within ${SEEN_TIMEOUT_MS} ms`, {
            cause,
          });
        },
      );
      return Promise.race([code, seen.then(() => code)]);
    });
  return {
    waitUntilReady: async ({ isBooting, timeoutMs, signal }) => {
      await whileAllLive(signal, (stop) => controller.untilReady({ timeoutMs: READY_TIMEOUT_MS, signal: stop }));
      if (!isBooting) return;
      if (kind.reportsReady)
        await whileAllLive(signal, (stop) => waitForMarker(guest, 'ready', { timeoutMs, signal: stop }));
      await runChecked(run, 'exit 0', { signal });
    },
    run,
  };
}
