import type { RepoFile } from '../file.ts';
import type { Source } from '../source.ts';
import { wrongSize } from '../verify-error.ts';

type Listener = (reason: unknown) => void;

const listeners = new WeakMap<AbortSignal, Set<Listener>>();

/** Calls a listener when the signal is aborted; returns how to stop listening. However many listen, the signal has one
 *  listener: Node.js warns of more than ten. */
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

export interface GuardOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Passes the chunks of a source on and counts them. Throws VerifyError as soon as there are more than `maxBytes`, and the
 *  signal's reason at once, even while the source stays silent. Ends the source in every case. */
export async function* guarded(
  source: Source,
  file: RepoFile,
  maxBytes: number,
  { signal, onBytes }: GuardOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source.chunks[Symbol.asyncIterator]();
  let receivedBytes = 0;
  let giveUp: Listener | undefined;
  const stopListening = signal === undefined ? undefined : onAbort(signal, (reason) => giveUp?.(reason));
  // No race with one promise of the abort: it would keep every chunk for as long as it is open.
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
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
    // A source that hears nothing closes only after its next chunk, which may never come.
    if (signal?.aborted === true) closing?.catch(() => undefined);
    else await closing;
  }
}
