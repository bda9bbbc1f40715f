import { mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../base/host.ts';
import { socketPath } from '../base/layout.ts';
import { requireTool } from '../base/require.ts';
import { exitText, stderrText } from '../../io/program.ts';
import { startVmProgram, VmError } from '../base/vm-error.ts';

const START_TIMEOUT_MS = 10_000;
const RETRY_INTERVAL_MS = 5;

/** A switch for machines of link `vde`. It has no other connection, and ends when it is disposed of. */
export interface VdeSwitch extends AsyncDisposable {
  /** For `LinkSpec.directory`. */
  readonly directory: string;
  readonly pid: number;
  /** Rejects with VmError if the switch ends before it is disposed of; never resolves. */
  readonly died: Promise<never>;
}

/** Starts a switch in a private directory below the given one, and waits until it responds: machines that plug into
 *  a switch that is not ready lose their link. Throws VmError, and the reason of the signal. */
export async function startVdeSwitch(
  host: Host,
  { directory, signal }: { readonly directory: string; readonly signal?: AbortSignal },
): Promise<VdeSwitch> {
  const program = requireTool(host, 'vde_switch');
  const place = join(directory, 'vde.ctl');
  // The longest socket path in it is that of a port, `PID.PORT`.
  const control = socketPath(join(place, 'ctl'));
  await rm(place, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const child = await startVmProgram([program, '-s', place, '--dirmode', '0700', '--mode', '0600'], { signal });
  // The switch ends when its stdin closes; it stays open.
  child.stdout.resume();
  let isEndIntended = false;
  const died = child.exited.then((exit): never | Promise<never> => {
    if (isEndIntended) return new Promise<never>(() => {});
    throw new VmError(`the switch died (${exitText(exit)})${stderrText(child.stderrTail())}`, {
      details: child.details(exit),
    });
  });
  died.catch(() => {});
  const end = async (): Promise<void> => {
    isEndIntended = true;
    await child[Symbol.asyncDispose]();
    await rm(place, { recursive: true, force: true });
  };
  try {
    await Promise.race([untilListening(control), died]);
  } catch (error) {
    await end();
    signal?.throwIfAborted();
    throw error;
  }
  return { directory: place, pid: child.pid, died, [Symbol.asyncDispose]: end };
}

async function untilListening(path: string): Promise<void> {
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
      if (performance.now() > untilMs) throw new VmError('the switch does not respond', { cause });
    } finally {
      socket.destroy();
    }
    await delay(RETRY_INTERVAL_MS);
  }
}
