import process from 'node:process';
import { CygstrapError } from '../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Waits until this process is asked to stop, and tells how. The same request a second time has its usual effect, so that
 *  nobody has to wait for an orderly end. */
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

/** Runs work that ends in order when this process is asked to stop: its signal is aborted with code `interrupted`. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    remove();
    controller.abort(new CygstrapError('interrupted', 'interrupted', { hint: 'the same command goes on from here' }));
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
