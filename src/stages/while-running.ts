import type { Machine } from '../vm/machine.ts';

/** Runs `work` while a machine runs, and aborts its signal when the machine ends. Throws what `Machine.unlessEnded`
 *  throws, and the reason of the signal. */
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
