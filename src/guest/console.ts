import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from '../vm/machine.ts';
import { parseMarker } from './console-markers.ts';
import type { ConsoleMarker } from './console-markers.ts';
import { GuestError } from './guest-error.ts';

/** Waits for a marker of a kind on the console of a machine, and returns it; an earlier line counts too. Throws
 *  GuestError `guest` for a marker `failed` and after the timeout, VmError when the machine ends, and the reason of
 *  the signal. */
export async function waitForMarker<K extends ConsoleMarker['kind']>(
  machine: Machine,
  kind: K,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Extract<ConsoleMarker, { kind: K }>> {
  await using lines = machine.console();
  const ended = new AbortController();
  const late = async (): Promise<never> => {
    await delay(timeoutMs, undefined, {
      signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
    });
    throw new GuestError(
      'guest',
      `no message \`${kind}\` from machine \`${machine.spec.name}\` within ${timeoutMs} ms`,
      { hint: `see its console log \`${machine.files.consoleLog}\`` },
    );
  };
  const found = async (): Promise<Extract<ConsoleMarker, { kind: K }>> => {
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
    return await Promise.race([machine.unlessEnded(found()), timer]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
  }
}
