type Listener = (reason: unknown) => void;

interface Listeners {
  readonly all: Set<Listener>;
  readonly notify: () => void;
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/** Calls `listener` with the reason when the signal is aborted: once, and at once if it is aborted already. Returns
 *  a function that removes the listener. All listeners of a signal share one event listener, because Node.js warns
 *  about more than ten. */
export function onAbort(signal: AbortSignal, listener: Listener): () => void {
  if (signal.aborted) {
    listener(signal.reason);
    return () => {};
  }
  const listeners = listenersOf.get(signal) ?? addListeners(signal);
  // A wrapper, so that one function can be registered twice.
  const own: Listener = (reason) => listener(reason);
  if (listeners.all.size === 0) signal.addEventListener('abort', listeners.notify, { once: true });
  listeners.all.add(own);
  return () => {
    if (listeners.all.delete(own) && listeners.all.size === 0) signal.removeEventListener('abort', listeners.notify);
  };
}

function addListeners(signal: AbortSignal): Listeners {
  const all = new Set<Listener>();
  const notify = (): void => {
    for (const listener of all) listener(signal.reason);
    all.clear();
  };
  const listeners = { all, notify };
  listenersOf.set(signal, listeners);
  return listeners;
}

/** Yields the items of a source until the signal is aborted, then throws its reason at once, even while the source
 *  is silent. Closes the source in every case. Keeps no item longer than its turn. */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let reject: Listener = () => {};
  const stopListening = onAbort(signal, (reason) => reject(reason));
  try {
    signal.throwIfAborted();
    for (;;) {
      // Promise.race with one long-lived promise would keep every item until that promise settles.
      const { done, value } = await new Promise<IteratorResult<T>>((resolve, rejectThis) => {
        reject = rejectThis;
        iterator.next().then(resolve, rejectThis);
      });
      if (done === true) return;
      yield value;
      signal.throwIfAborted();
    }
  } finally {
    stopListening();
    const closing = iterator.return?.();
    // A silent source closes only after its next item, which may never come.
    if (signal.aborted) closing?.catch(() => undefined);
    else await closing;
  }
}
