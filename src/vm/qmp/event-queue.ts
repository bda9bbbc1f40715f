import type { QmpEvent } from './session.ts';

/** Events that nobody took yet; when there are more, the oldest are dropped. */
const MOST_WAITING = 1000;

/** Hands on events in order, however late they are asked for. */
export class EventQueue implements AsyncIterableIterator<QmpEvent>, AsyncDisposable {
  readonly #waiting: QmpEvent[] = [];
  readonly #takers: ((result: IteratorResult<QmpEvent>) => void)[] = [];
  readonly #leave: () => void;
  #isClosed = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  push(event: QmpEvent): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker({ done: false, value: event });
    else if (this.#waiting.push(event) > MOST_WAITING) this.#waiting.shift();
  }

  /** What is there can still be taken. */
  close(): void {
    this.#isClosed = true;
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<QmpEvent>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#isClosed) return { done: true, value: undefined };
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  async return(): Promise<IteratorResult<QmpEvent>> {
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
