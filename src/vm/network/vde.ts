import { mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../host.ts';
import { socketPath } from '../layout.ts';
import { exitText, stderrText } from '../../io/program.ts';
import { startVmProgram, VmError } from '../vm-error.ts';

const START_TIMEOUT_MS = 10_000;
const RETRY_INTERVAL_MS = 5;

/** A switch that machines of link `vde` plug into. It leads nowhere else, and ends when it is disposed of. */
export interface VdeSwitch extends AsyncDisposable {
  /** For `LinkSpec.directory`. */
  readonly directory: string;
  readonly pid: number;
  /** Rejects with VmError when the switch ends before it is disposed of; never resolves. */
  readonly died: Promise<never>;
}

/** Starts a switch in a directory of its own below the one given (only we may enter it), and waits until it answers: machines that plug
 *  into a switch which is not there yet flap. Throws VmError. */
export async function startVdeSwitch(
  { tools }: Host,
  { directory, signal }: { readonly directory: string; readonly signal?: AbortSignal },
): Promise<VdeSwitch> {
  const program = tools.vde_switch;
  if (program === undefined)
    throw new VmError('`vde_switch` is not installed', { hint: '`cygstrap doctor` tells how to install it' });
  const place = join(directory, 'vde.ctl');
  // The longest of the sockets in it is that of a port, `PID.PORT`, in QEMU's and in its own name.
  const control = socketPath(join(place, 'ctl'));
  await rm(place, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const child = await startVmProgram([program, '-s', place, '--dirmode', '0700', '--mode', '0600'], {
    setpriv: tools.setpriv,
    signal,
  });
  // It ends when its stdin does: that stays open.
  child.stdout.resume();
  let isWanted = false;
  const died = child.exited.then((exit): never | Promise<never> => {
    if (isWanted) return new Promise<never>(() => {});
    throw new VmError(`the switch died (${exitText(exit)})${stderrText(child.stderrTail())}`, {
      details: child.details(exit),
    });
  });
  died.catch(() => {});
  const end = async (): Promise<void> => {
    isWanted = true;
    await child[Symbol.asyncDispose]();
    await rm(place, { recursive: true, force: true });
  };
  try {
    await Promise.race([untilAnswered(control), died]);
  } catch (error) {
    await end();
    signal?.throwIfAborted();
    throw error;
  }
  return { directory: place, pid: child.pid, died, [Symbol.asyncDispose]: end };
}

async function untilAnswered(path: string): Promise<void> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = createConnection(path);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      return;
    } catch (cause) {
      if (performance.now() > untilMs) throw new VmError('the switch does not answer', { cause });
    } finally {
      socket.destroy();
    }
    await delay(RETRY_INTERVAL_MS);
  }
}
