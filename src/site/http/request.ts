import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import type { Dispatcher } from 'undici';
import type { Timeouts } from './timeouts.ts';

/** Bounds of received, unread bytes: above the first the connection is paused, below the second it is resumed. */
const HIGH_WATER_BYTES = 512 * 1024;
const LOW_WATER_BYTES = 128 * 1024;

/** The same for the number of pieces: each needs some hundred bytes of memory, and a site can send single bytes. */
const HIGH_WATER_PIECES = 4096;
const LOW_WATER_PIECES = 1024;

/** Bounds of received, unread bytes and pieces of a response that cannot be paused. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const MAX_UNREAD_PIECES = 64 * 1024;

/** Maximum bytes of an unwanted body that are read to keep the connection. */
const DROPPED_BYTES = 64 * 1024;

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The head of a response. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
}

/** The name of a timeout. */
export type TimeoutName = Exclude<keyof Timeouts, 'minBytesPerSecond'>;

/** An expired timeout. */
export class TimeoutFault extends Error {
  readonly limit: TimeoutName;
  readonly timeouts: Timeouts;

  constructor(limit: TimeoutName, timeouts: Timeouts) {
    super(`${limit}: ${timeouts[limit]} ms`);
    this.name = 'TimeoutFault';
    this.limit = limit;
    this.timeouts = timeouts;
  }
}

/** The body arrives faster than it is read, and cannot be paused. */
export class UnreadFault extends Error {
  constructor() {
    super('more bytes arrived than can be kept until they are read');
    this.name = 'UnreadFault';
  }
}

/** Returns whether a response can be paused. undici 7 ends the process with an AssertionError if the other side closes
 *  the connection of a paused response that is not kept alive (nodejs/undici#5360); the headers must exclude that. */
function canPause({ connection, 'keep-alive': keepAlive, ...headers }: Headers): boolean {
  const tokens = String(connection ?? (keepAlive === undefined ? '' : 'keep-alive')).toLowerCase();
  const isKept = /\bkeep-alive\b/.test(tokens) && !/\bclose\b/.test(tokens);
  const coding = headers['transfer-encoding'];
  return isKept && (coding === undefined ? headers['content-length'] !== undefined : coding === 'chunked');
}

/** Listeners of a signal. The signal has one event listener for all of them: Node.js warns about more than ten, and
 *  adding and removing them costs more than the rest of a request. */
const audiences = new WeakMap<AbortSignal, { readonly listeners: Set<() => void>; readonly tell: () => void }>();

function listen(signal: AbortSignal, listener: () => void): void {
  let audience = audiences.get(signal);
  if (audience === undefined) {
    const listeners = new Set<() => void>();
    audience = { listeners, tell: () => listeners.forEach((one) => one()) };
    audiences.set(signal, audience);
  }
  if (audience.listeners.size === 0) signal.addEventListener('abort', audience.tell, { once: true });
  audience.listeners.add(listener);
}

function stopListening(signal: AbortSignal, listener: () => void): void {
  const audience = audiences.get(signal);
  if (audience === undefined || !audience.listeners.delete(listener) || audience.listeners.size > 0) return;
  signal.removeEventListener('abort', audience.tell);
}

/** One request and its response, as reported by undici: the head as a promise, the body by `read`. It ends once: by
 *  the last byte, a failure, a timeout, the signal, or `cancel`. Throws the errors of undici, `TimeoutFault`, or the
 *  reason of the signal. */
export class HttpRequest implements Dispatcher.DispatchHandler {
  /** Rejects if the request fails first. */
  readonly head: Promise<Head>;
  readonly #timeouts: Timeouts;
  readonly #signal: AbortSignal | undefined;
  #resolveHead: (head: Head) => void = () => {};
  #rejectHead: (error: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  /** Time of the last received bytes, or of the last resume. */
  #heardMs = 0;
  /** Start of the time for which the rate is measured, and the bytes received since. */
  #rateSinceMs = 0;
  #rateBytes = 0;
  #hasHead = false;
  #canPause = false;
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
    listen(signal, this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  /** Returns the next bytes, undefined at the end. Bytes that were received before a failure come first, except after
   *  an abort. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.length;
        if (this.#controller?.paused === true && !this.#isAbove(LOW_WATER_BYTES, LOW_WATER_PIECES))
          this.#goOn(this.#controller);
        return chunk;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Closes the connection unless the response is complete. */
  cancel(): void {
    if (!this.#isSettled) this.#fail(new Error('given up'));
  }

  /** Reads and drops a short rest of the body, so that the connection can be used again. */
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
    this.#startMs = performance.now();
    this.#arm(this.#startMs);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#hasHead = true;
    this.#canPause = canPause(headers);
    this.#heardMs = performance.now();
    this.#measureFrom(this.#heardMs);
    // Otherwise the running timer fires early enough.
    const { headersMs, stallMs, rateWindowMs } = this.#timeouts;
    if (Math.min(stallMs, rateWindowMs) < headersMs) this.#arm(this.#heardMs);
    this.#resolveHead({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#droppedBytes !== undefined) {
      this.#droppedBytes += chunk.length;
      if (this.#droppedBytes > DROPPED_BYTES) this.cancel();
      return;
    }
    this.#heardMs = performance.now();
    this.#rateBytes += chunk.length;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#isAbove(HIGH_WATER_BYTES, HIGH_WATER_PIECES) && this.#canPause) controller.pause();
    else if (this.#isAbove(MAX_UNREAD_BYTES, MAX_UNREAD_PIECES)) this.#fail(new UnreadFault());
    this.#wake();
  }

  onResponseEnd(): void {
    this.#isEnded = true;
    this.#settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#fail(error);
  }

  /** Number of received, unread pieces. */
  get queuedPieces(): number {
    return this.#queue.length;
  }

  #isAbove(bytes: number, pieces: number): boolean {
    return this.#queuedBytes > bytes || this.queuedPieces > pieces;
  }

  get #isSettled(): boolean {
    return this.#isEnded || this.#failure !== undefined;
  }

  readonly #onAbort = (): void => {
    this.#queue = [];
    this.#fail(this.#signal?.reason);
  };

  #goOn(controller: Dispatcher.DispatchController): void {
    controller.resume();
    if (this.#isSettled) return;
    const nowMs = performance.now();
    this.#measureFrom(nowMs);
    this.#arm(nowMs);
  }

  /** Sets one timer for the next timeout from `nowMs` on: most responses arrive long before any timeout. */
  #arm(nowMs: number): void {
    this.#heardMs = nowMs;
    clearTimeout(this.#timer);
    this.#wait(nowMs);
  }

  #wait(nowMs: number): void {
    this.#timer = setTimeout(
      () => this.#look(performance.now()),
      Math.max(1, Math.ceil(Math.min(...this.#limits().map(({ atMs }) => atMs)) - nowMs)),
    );
  }

  #measureFrom(nowMs: number): void {
    this.#rateSinceMs = nowMs;
    this.#rateBytes = 0;
  }

  #look(nowMs: number): void {
    const { minBytesPerSecond, rateWindowMs } = this.#timeouts;
    const isMeasured = this.#hasHead && nowMs >= this.#rateSinceMs + rateWindowMs;
    if (isMeasured && this.#rateBytes * 1000 >= minBytesPerSecond * (nowMs - this.#rateSinceMs))
      this.#measureFrom(nowMs);
    const passed = this.#limits().find(({ atMs }) => nowMs >= atMs);
    if (passed === undefined) this.#wait(nowMs);
    else this.#fail(new TimeoutFault(passed.limit, this.#timeouts));
  }

  /** Returns the next deadline. A paused connection has none. */
  #limits(): { readonly limit: TimeoutName; readonly atMs: number }[] {
    const { headersMs, stallMs, rateWindowMs, wholeMs } = this.#timeouts;
    const whole = { limit: 'wholeMs', atMs: this.#startMs + wholeMs } as const;
    if (!this.#hasHead) return [{ limit: 'headersMs', atMs: this.#heardMs + headersMs }, whole];
    if (this.#controller?.paused === true) return [whole];
    return [
      { limit: 'stallMs', atMs: this.#heardMs + stallMs },
      { limit: 'rateWindowMs', atMs: this.#rateSinceMs + rateWindowMs },
      whole,
    ];
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
    if (this.#signal !== undefined) stopListening(this.#signal, this.#onAbort);
    this.#wake();
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
