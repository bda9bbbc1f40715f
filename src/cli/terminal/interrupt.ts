import process from 'node:process';
import { CygstrapError } from '../../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Waits for SIGINT or SIGTERM and returns which came. A second signal has its default effect and ends the process. */
export async function untilStopped(): Promise<(typeof SIGNALS)[number]> {
  const handlers: (() => void)[] = [];
  try {
    return await new Promise((resolve) => {
      for (const signal of SIGNALS) {
        const handler = (): void => resolve(signal);
        handlers.push(() => process.off(signal, handler));
        process.on(signal, handler);
      }
    });
  } finally {
    for (const remove of handlers) remove();
  }
}

/** Calls one function for each SIGINT or SIGTERM, in order. A signal after the last has its default effect. There is no
 *  moment between two signals at which the second would end the process. */
export function onSignals(calls: readonly (() => void)[]): void {
  const waiting = [...calls];
  const handler = (): void => {
    const next = waiting.shift();
    if (waiting.length === 0) for (const signal of SIGNALS) process.off(signal, handler);
    next?.();
  };
  for (const signal of SIGNALS) process.on(signal, handler);
}

/** Runs work that can be interrupted: SIGINT and SIGTERM abort its signal with code `interrupted`. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    remove();
    controller.abort(
      new CygstrapError('interrupted', 'interrupted', { hint: 'run the same command again to continue' }),
    );
  };
  const remove = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    remove();
  }
}
