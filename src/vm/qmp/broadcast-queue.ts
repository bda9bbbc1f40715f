export interface BroadcastOptions {
  /** Most items that wait for one reader; more drop the oldest. */
  readonly maxWaiting: number;
  /** Number of earlier items that a new reader receives. */
  readonly replay: number;
}

/** Delivers items to any number of readers. Each reader receives all items from its start, in order. */
export class BroadcastQueue<T> {
  readonly #options: BroadcastOptions;
  readonly #readers = new Set<Reader<T>>();
  readonly #history: T[] = [];
  #isClosed = false;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  push(item: T): void {
    this.#history.push(item);
    // In batches: removing single items would move the whole array for each.
    if (this.#history.length > 2 * this.#options.replay)
      this.#history.splice(0, this.#history.length - this.#options.replay);
    for (const reader of this.#readers) reader.push(item);
  }

  /** Ends the queue; readers still receive the items that wait for them. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.close();
  }

  /** Adds a reader; leaving its loop removes it. */
  read(): AsyncIterableIterator<T> & AsyncDisposable {
    const { maxWaiting, replay } = this.#options;
    const history = replay === 0 ? [] : this.#history.slice(-replay);
    const reader = new Reader<T>(history, maxWaiting, () => this.#readers.delete(reader));
    if (this.#isClosed) reader.close();
    else this.#readers.add(reader);
    return reader;
  }
}

class Reader<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #waiting: T[];
  readonly #maxWaiting: number;
  readonly #onLeave: () => void;
  readonly #pendingReads: ((result: IteratorResult<T>) => void)[] = [];
  #isClosed = false;

  constructor(waiting: T[], maxWaiting: number, onLeave: () => void) {
    this.#waiting = waiting;
    this.#maxWaiting = maxWaiting;
    this.#onLeave = onLeave;
  }

  push(item: T): void {
    const read = this.#pendingReads.shift();
    if (read !== undefined) read({ done: false, value: item });
    else if (this.#waiting.push(item) > this.#maxWaiting) this.#waiting.shift();
  }

  close(): void {
    this.#isClosed = true;
    for (const read of this.#pendingReads.splice(0)) read({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as T };
    if (this.#isClosed) return { done: true, value: undefined };
    return new Promise((resolve) => this.#pendingReads.push(resolve));
  }

  async return(): Promise<IteratorResult<T>> {
    this.#onLeave();
    this.#waiting.length = 0;
    this.close();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
