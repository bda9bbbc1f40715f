import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from '../vm/machine.ts';
import { parseMarker } from './console-markers.ts';
import type { ConsoleMarker } from './console-markers.ts';
import { GuestError } from './guest-error.ts';

/** Waits until a machine's console has a message of a kind, also one that came before. Throws GuestError `guest` when the guest says that
 *  it failed, or says nothing of the kind in time; VmError when the machine ends; the reason of the signal. */
export async function waitForMarker<K extends ConsoleMarker['kind']>(
  machine: Machine,
  kind: K,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Extract<ConsoleMarker, { kind: K }>> {
  await using lines = machine.console();
  const ours = new AbortController();
  const late = async (): Promise<never> => {
    await delay(timeoutMs, undefined, {
      signal: signal === undefined ? ours.signal : AbortSignal.any([signal, ours.signal]),
    });
    throw new GuestError('guest', `machine \`${machine.spec.name}\` did not say \`${kind}\` within ${timeoutMs} ms`, {
      hint: `its console is in \`${machine.files.consoleLog}\``,
    });
  };
  const heard = async (): Promise<Extract<ConsoleMarker, { kind: K }>> => {
    for await (const line of lines) {
      const marker = parseMarker(line);
      if (marker?.kind === 'failed')
        throw new GuestError('guest', `machine \`${machine.spec.name}\` failed: ${marker.text}`);
      if (marker?.kind === kind) return marker as Extract<ConsoleMarker, { kind: K }>;
    }
    return new Promise<never>(() => {});
  };
  const timer = late();
  timer.catch(() => {});
  try {
    return await Promise.race([machine.unlessEnded(heard()), timer]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    ours.abort();
  }
}
