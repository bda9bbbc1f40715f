import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../core/solver/steps.ts';

/** Time after which a computation lets other work run. */
const TURN_MS = 20;

/** Runs a computation. Every 20 ms it lets other work run, such as handlers of signals. Rejects with the reason of the
 *  signal once that is aborted. */
export async function runSteps<T>(steps: Steps<T>, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const end = performance.now() + TURN_MS;
    while (performance.now() < end) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    await setImmediate();
  }
}
