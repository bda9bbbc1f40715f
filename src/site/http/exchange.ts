import { setMaxListeners } from 'node:events';
import { clearTimeout, setTimeout } from 'node:timers';
import type { Dispatcher } from 'undici';
import type { Timeouts } from './timeouts.ts';

/** Received and not yet taken: the connection is held back above the first and goes on below the second. */
const HIGH_WATER_BYTES = 512 * 1024;
const LOW_WATER_BYTES = 128 * 1024;

/** Of a body that nobody wants: so much is read to keep the connection, no more. */
const DROPPED_BYTES = 64 * 1024;

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The head of an answer. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
}

/** A limit of time that was not kept. */
export class TimeoutFault extends Error {
  readonly limit: keyof Timeouts;
  readonly limitMs: number;

  constructor(limit: keyof Timeouts, limitMs: number) {
    super(`${limit}: more than ${limitMs} ms`);
    this.name = 'TimeoutFault';
    this.limit = limit;
    this.limitMs = limitMs;
  }
}

/** One request and its answer, as undici tells it: the head as a promise, the body by `read`. Everything ends it at most once:
 *  the last byte, a failure, a limit of time, the signal, or `cancel`. Failures are undici's own, `TimeoutFault`, or the
 *  signal's reason. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects with the failure if that comes first. */
  readonly head: Promise<Head>;
  readonly #timeouts: Timeouts;
  readonly #signal: AbortSignal | undefined;
  #resolveHead: (head: Head) => void = () => {};
  #rejectHead: (error: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wholeTimer: NodeJS.Timeout | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #droppedBytes: number | undefined;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(timeouts: Timeouts, signal: AbortSignal | undefined) {
    this.#timeouts = timeouts;
    this.#signal = signal;
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve;
      this.#rejectHead = reject;
    });
    this.head.catch(() => undefined);
    if (signal === undefined) return;
    // Many downloads share a signal; Node warns of more than ten listeners.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** The next bytes, undefined after the last. What was received before a failure comes first, except after an abort. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.length;
        if (this.#queuedBytes < LOW_WATER_BYTES && this.#controller?.paused === true) this.#goOn(this.#controller);
        return chunk;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gives the answer up and the connection with it, unless it is complete. */
  cancel(): void {
    if (!this.#isSettled) this.#fail(new Error('given up'));
  }

  /** Lets a short rest of the body pass by unread, so that the connection can serve again. */
  drop(): void {
    this.#droppedBytes = this.#queuedBytes;
    this.#queue = [];
    if (this.#controller?.paused === true) this.#goOn(this.#controller);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) {
      controller.abort(asError(this.#failure.error));
      return;
    }
    this.#timer = this.#limit('headersMs');
    this.#wholeTimer = this.#limit('wholeMs');
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#armStall();
    this.#resolveHead({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#droppedBytes !== undefined) {
      this.#droppedBytes += chunk.length;
      if (this.#droppedBytes > DROPPED_BYTES) this.cancel();
      return;
    }
    if (!controller.paused) this.#timer?.refresh();
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > HIGH_WATER_BYTES) {
      controller.pause();
      clearTimeout(this.#timer);
    }
    this.#wake();
  }

  onResponseEnd(): void {
    this.#isEnded = true;
    this.#settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#fail(error);
  }

  get #isSettled(): boolean {
    return this.#isEnded || this.#failure !== undefined;
  }

  readonly #onAbort = (): void => {
    this.#queue = [];
    this.#fail(this.#signal?.reason);
  };

  #goOn(controller: Dispatcher.DispatchController): void {
    this.#armStall();
    controller.resume();
  }

  #armStall(): void {
    clearTimeout(this.#timer);
    if (!this.#isSettled) this.#timer = this.#limit('stallMs');
  }

  #limit(limit: keyof Timeouts): NodeJS.Timeout {
    const limitMs = this.#timeouts[limit];
    return setTimeout(() => this.#fail(new TimeoutFault(limit, limitMs)), limitMs);
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#failure = { error };
    this.#settle();
    this.#rejectHead(error);
    this.#controller?.abort(asError(error));
  }

  #settle(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#wholeTimer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#wake();
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
