import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForMarker } from '../guest/console.ts';
import { startController } from '../guest/controller/controller.ts';
import type { Controller } from '../guest/controller/controller.ts';
import { controllerImage } from '../guest/controller/image.ts';
import { savedController } from '../guest/controller/saved.ts';
import { GuestError } from '../guest/guest-error.ts';
import { PASSDB_FILE } from '../guest/passdb.ts';
import { runChecked } from '../guest/ssh-run.ts';
import type { RunCommand } from '../guest/ssh-run.ts';
import { SSH_FILES } from '../guest/ssh.ts';
import type { Machine } from '../vm/machine.ts';
import { timesOf } from './machine-spec.ts';
import { startVdeSwitch } from '../vm/network/vde.ts';
import type { LinkSpec } from '../vm/base/spec.ts';
import { VmError } from '../vm/base/vm-error.ts';
import type { StageContext } from './context.ts';
import type { GuestShell, NetworkAttachment, AttachmentOptions } from './topology.ts';

const READY_TIMEOUT_MS = 60_000;

/** Starts a controller that is connected to the guest by a switch or a socket. It serves the shares and runs
 *  commands over ssh. The first call on a host builds and saves the controller, which takes a minute. Throws
 *  VmError, GuestError, and the reason of the signal. */
export async function attachController(
  context: StageContext,
  kind: 'vde' | 'stream',
  options: AttachmentOptions,
): Promise<NetworkAttachment> {
  const { host, cacheDir, report, signal } = context;
  const { shares, directory, installed } = options;
  const image = await controllerImage({ cacheDir, report, signal });
  const { smb } = context.guest;
  const saved = await savedController(host, { image, smb, cacheDir, report, signal });
  const jobs = join(directory, 'jobs');
  await mkdir(jobs, { mode: 0o700 });
  const vdeSwitch = kind === 'vde' ? await startVdeSwitch(host, { directory, signal }) : undefined;
  if (vdeSwitch !== undefined) report({ kind: 'note', message: `vde switch started: process ${vdeSwitch.pid}` });
  // The controller is the server of the socket, so it starts first.
  const link = (isServer: boolean): LinkSpec =>
    vdeSwitch === undefined
      ? { kind: 'stream', path: join(directory, 'net'), isServer }
      : { kind: 'vde', directory: vdeSwitch.directory };
  let controller: Controller;
  try {
    controller = await startController(host, {
      image,
      smb,
      passdb: await readFile(join(installed, PASSDB_FILE), 'utf8'),
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
  const died = Promise.race([endOf(controller), ...(vdeSwitch === undefined ? [] : [vdeSwitch.died])]);
  died.catch(() => {});
  return {
    link: link(false),
    shellOf: (guest) => shellOver(context, { controller, died, guest, login }),
    [Symbol.asyncDispose]: async () => {
      await controller[Symbol.asyncDispose]();
      await vdeSwitch?.[Symbol.asyncDispose]();
      // Another attachment in this directory starts without jobs.
      await rm(jobs, { recursive: true, force: true });
    },
  };
}

async function endOf({ machine }: Controller): Promise<never> {
  const exit = await machine.exited;
  if (exit.reason !== 'died')
    throw new VmError(`the controller ended: ${exit.reason}`, { details: { consoleLog: machine.files.consoleLog } });
  throw new VmError('the controller ended unexpectedly', { cause: exit.error, details: exit.error.details });
}

interface Connection {
  readonly controller: Controller;
  /** Rejects when the controller or the switch ends. */
  readonly died: Promise<never>;
  readonly guest: Machine;
  readonly login: { readonly user: string; readonly privateKey: string; readonly knownHosts: string };
}

function shellOver(context: StageContext, { controller, died, guest, login }: Connection): GuestShell {
  const times = timesOf(context, guest.spec);
  /** Runs `work` while guest, controller and switch run. */
  const whileAllRun = async <T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const ended = new AbortController();
    try {
      return await Promise.race([
        died,
        guest.unlessEnded(work(signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]))),
      ]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      ended.abort();
    }
  };
  const run: RunCommand = (command, { signal, onOutput }) =>
    whileAllRun(signal, async (stop) => {
      const code = controller.runJob({ ...login, times, command }, { signal: stop, onOutput });
      // The controller waits for the guest without a timeout.
      const seen = waitForMarker(controller.machine, 'running', { timeoutMs: times.responseMs, signal: stop }).catch(
        (cause: unknown) => {
          throw new GuestError(
            'guest',
            `no response to the controller from ssh of the guest within ${times.responseMs} ms`,
            { cause },
          );
        },
      );
      return Promise.race([code, seen.then(() => code)]);
    });
  return {
    waitUntilReady: async ({ bootTimeoutMs, signal }) => {
      await whileAllRun(signal, (stop) => controller.untilReady({ timeoutMs: READY_TIMEOUT_MS, signal: stop }));
      if (bootTimeoutMs === undefined) return;
      if (context.guest.reportsReady)
        await whileAllRun(signal, (stop) => waitForMarker(guest, 'ready', { timeoutMs: bootTimeoutMs, signal: stop }));
      await runChecked(run, 'exit 0', { signal });
    },
    run,
  };
}
