import type { RepoFile } from '../files/file.ts';
import type { Source } from '../files/source.ts';
import { wrongSize } from '../files/verify-error.ts';

type Listener = (reason: unknown) => void;

const listeners = new WeakMap<AbortSignal, Set<Listener>>();

/** Calls a listener when the signal is aborted; returns a function that removes it. The signal itself has one listener only:
 *  Node.js warns of more than ten. */
function onAbort(signal: AbortSignal, listener: Listener): () => void {
  let all = listeners.get(signal);
  if (all === undefined) {
    const created = new Set<Listener>();
    listeners.set(signal, created);
    signal.addEventListener('abort', () => created.forEach((one) => one(signal.reason)), { once: true });
    all = created;
  }
  const set = all;
  set.add(listener);
  return () => set.delete(listener);
}

export interface LimitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the size of each chunk. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Yields the chunks of a source. Throws VerifyError as soon as there are more than `maxBytes`, and the reason of the signal at
 *  once, even while the source sends nothing. Always closes the source. */
export async function* limited(
  source: Source,
  file: RepoFile,
  maxBytes: number,
  { signal, onBytes }: LimitOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source.chunks[Symbol.asyncIterator]();
  let receivedBytes = 0;
  let rejectNext: Listener | undefined;
  const stopListening = signal === undefined ? undefined : onAbort(signal, (reason) => rejectNext?.(reason));
  // Not a race with one promise of the abort: that promise would keep every chunk in memory while the signal lives.
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, reject) => {
      rejectNext = reject;
      iterator.next().then(resolve, reject);
    });
  try {
    signal?.throwIfAborted();
    for (;;) {
      const { done, value } = await next();
      if (done === true) return;
      receivedBytes += value.length;
      if (receivedBytes > maxBytes) throw wrongSize(file, file.sizeBytes + 1);
      onBytes?.(value.length);
      yield value;
      signal?.throwIfAborted();
    }
  } finally {
    stopListening?.();
    const closing = iterator.return?.();
    // A source without a signal ends only after its next chunk, which may never arrive.
    if (signal?.aborted === true) closing?.catch(() => undefined);
    else await closing;
  }
}
