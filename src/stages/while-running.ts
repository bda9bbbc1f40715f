import type { Machine } from '../vm/machine.ts';

/** Does work with a machine and stops it when the machine ends, however it does. Throws what `unlessEnded` throws, and the reason of the
 *  signal. */
export async function whileRunning<T>(
  machine: Machine,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  try {
    return await machine.unlessEnded(
      work(signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
  }
}
