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
