export interface FeedOptions {
  /** What a reader has not taken yet; when there is more, the oldest is dropped. */
  readonly mostWaiting: number;
  /** How much of what came before it a new reader gets. */
  readonly replay: number;
}

/** Items for any number of readers, each of which gets all from the time it began, in order, however late it asks for them. */
export class Feed<T> {
  readonly #options: FeedOptions;
  readonly #readers = new Set<Reader<T>>();
  readonly #past: T[] = [];
  #isClosed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  push(item: T): void {
    this.#past.push(item);
    // Not one by one: that would move the whole array for each.
    if (this.#past.length > 2 * this.#options.replay) this.#past.splice(0, this.#past.length - this.#options.replay);
    for (const reader of this.#readers) reader.push(item);
  }

  /** Nothing more comes; what waits can still be read. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.close();
  }

  /** A new reader; leaving its loop ends it. */
  read(): AsyncIterableIterator<T> & AsyncDisposable {
    const { mostWaiting, replay } = this.#options;
    const past = replay === 0 ? [] : this.#past.slice(-replay);
    const reader = new Reader<T>(past, mostWaiting, () => this.#readers.delete(reader));
    if (this.#isClosed) reader.close();
    else this.#readers.add(reader);
    return reader;
  }
}

class Reader<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #waiting: T[];
  readonly #mostWaiting: number;
  readonly #leave: () => void;
  readonly #takers: ((result: IteratorResult<T>) => void)[] = [];
  #isClosed = false;

  constructor(waiting: T[], mostWaiting: number, leave: () => void) {
    this.#waiting = waiting;
    this.#mostWaiting = mostWaiting;
    this.#leave = leave;
  }

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker({ done: false, value: item });
    else if (this.#waiting.push(item) > this.#mostWaiting) this.#waiting.shift();
  }

  close(): void {
    this.#isClosed = true;
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as T };
    if (this.#isClosed) return { done: true, value: undefined };
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  async return(): Promise<IteratorResult<T>> {
    this.#leave();
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
