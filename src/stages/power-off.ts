import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import type { GuestCommands } from '../guest/kind.ts';
import { runOverSsh } from '../guest/ssh-run.ts';
import type { SshTarget } from '../guest/ssh.ts';
import type { GuestTimes } from '../guest/times.ts';
import type { Machine } from '../vm/machine.ts';

export interface PowerOffOptions {
  readonly target: SshTarget;
  /** Undefined for a guest kind without commands. */
  readonly commands: Pick<GuestCommands, 'shutdown'> | undefined;
  readonly times: Pick<GuestTimes, 'powerOffMs'>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Time for the command to log in. A guest that is still booting has no ssh yet. */
const COMMAND_TIMEOUT_MS = 15_000;

/** Shuts a guest down by its command over ssh. If ssh does not respond, or the guest does not power off within its
 *  time, presses the power button. If the guest does not react to that either, reports a warning and ends the machine.
 *  Never throws. */
export async function powerOff(
  machine: Pick<Machine, 'exited' | 'powerdown' | 'quit'>,
  { target, commands, times: { powerOffMs }, report, signal }: PowerOffOptions,
): Promise<void> {
  try {
    if (commands !== undefined) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(COMMAND_TIMEOUT_MS)]);
      const { code } = await runOverSsh(target, commands.shutdown, { signal: limited }).catch(() => ({ code: null }));
      if (code === 0) {
        const late = new AbortController();
        const isLate = delay(powerOffMs, true, { signal: AbortSignal.any([signal, late.signal]) });
        const end = await Promise.race([machine.exited, isLate]).finally(() => late.abort());
        if (end !== true) return;
      }
    }
    await machine.powerdown({ timeoutMs: powerOffMs, signal });
  } catch {
    if (!signal.aborted) {
      const minutes = Math.round(powerOffMs / 60_000);
      const message = `no shutdown within ${minutes} min, nor by the power button: the machine was ended`;
      report({ kind: 'warning', message });
    }
    await machine.quit();
  }
}
