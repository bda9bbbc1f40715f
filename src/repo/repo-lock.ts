import type { Report } from '../events.ts';
import { acquireLock } from '../io/lock-file.ts';
import type { Lock } from '../io/lock-file.ts';
import { LOCK_NAME, ownFile } from './files/layout.ts';

export interface LockRepoOptions {
  readonly signal?: AbortSignal | undefined;
  /** Receives a note while another process holds the lock. */
  readonly report?: Report | undefined;
}

/** Acquires the lock of a repo; waits while another process holds it. Throws `io` and the reason of the signal. */
export function lockRepo(root: string, { signal, report }: LockRepoOptions): Promise<Lock> {
  return acquireLock(ownFile(root, LOCK_NAME), {
    signal,
    onWait: (holder) => {
      const other = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
      report?.({ kind: 'note', message: `waiting for ${other}, which is changing \`${root}\`` });
    },
  });
}
