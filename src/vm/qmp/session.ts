import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastQueue } from './broadcast-queue.ts';
import { VmError } from '../base/vm-error.ts';
import { isObject, parseObject } from './values.ts';

/** One line is one message; the longest of QEMU, its schema, has some hundred kilobytes. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

const COMMAND_TIMEOUT_MS = 10_000;

/** Interval between attempts to connect to a socket that does not exist yet. */
const CONNECT_INTERVAL_MS = 5;

/** A message that QEMU sends without a command. */
export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Bounds of a wait; an aborted signal throws its reason. */
export interface WaitOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A session of the QEMU Machine Protocol. It ends when the other side closes, on invalid input, or when it is
 *  disposed of; all waiting calls then throw VmError. */
export class QmpSession implements AsyncDisposable {
  /** Resolves when the session has ended: with the error that ended it, or with undefined if one side closed it. */
  readonly closed: Promise<VmError | undefined>;
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #events = new BroadcastQueue<QmpEvent>({ maxWaiting: 1000, replay: 0 });
  #greeting: Pending | undefined;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #nextId = 1;
  #isEnded = false;
  #settle: (error: VmError | undefined) => void = () => {};

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (cause) =>
      this.#end(new VmError('the connection to QEMU broke', { cause }), (command) => ended(command, cause)),
    );
    stream.on('close', () => this.#end(undefined));
    stream.on('end', () => this.#end(undefined));
  }

  /** Connects to the socket of a QEMU that may still be starting, and negotiates capabilities. Throws VmError. */
  static async connect(
    path: string,
    { timeoutMs = COMMAND_TIMEOUT_MS, signal }: WaitOptions = {},
  ): Promise<QmpSession> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await QmpSession.over(await connected(path), {
          timeoutMs: Math.max(1, untilMs - performance.now()),
          signal,
        });
      } catch (error) {
        if (error instanceof VmError || signal?.aborted === true) throw error;
        if (performance.now() > untilMs) throw new VmError(`QEMU does not respond on \`${path}\``, { cause: error });
        await delay(CONNECT_INTERVAL_MS);
      }
    }
  }

  /** Negotiates capabilities on a stream, which the session then owns. Throws VmError. */
  static async over(stream: Duplex, options: WaitOptions = {}): Promise<QmpSession> {
    const session = new QmpSession(stream);
    try {
      await session.#wait('greeting', options, (pending) => (session.#greeting = pending));
      await session.command('qmp_capabilities', {}, options);
    } catch (error) {
      stream.destroy();
      throw error;
    }
    return session;
  }

  /** Runs a command and returns its result. Throws VmError with QEMU's message if it is rejected, if no response
   *  arrives in time (default: 10 s), and if the connection ends first. */
  async command(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: WaitOptions = {},
  ): Promise<unknown> {
    const id = this.#nextId++;
    try {
      return await this.#wait(name, options, (pending) => {
        this.#pending.set(id, pending);
        this.#stream.write(`${JSON.stringify({ execute: name, arguments: args, id })}\n`);
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Returns all events from this call on, until the session ends. A slow reader loses all but the last 1,000. */
  events(): AsyncIterableIterator<QmpEvent> & AsyncDisposable {
    return this.#events.read();
  }

  /** Waits for the next event of one of these names. Throws VmError if the session ends first or the time is over.
   *  Default: no timeout. */
  async waitForEvent(names: readonly string[], options: WaitOptions = {}): Promise<QmpEvent> {
    const events = this.events();
    try {
      return (await this.#wait(names.join(' or '), { timeoutMs: Infinity, ...options }, (pending) => {
        void (async () => {
          for await (const event of events) if (names.includes(event.name)) return pending.resolve(event);
          pending.reject(new VmError(`QEMU ended before the event ${names.join(' or ')}`));
        })();
      })) as QmpEvent;
    } finally {
      await events[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
    this.#end(undefined);
    await this.closed;
  }

  async #wait(
    what: string,
    { timeoutMs = COMMAND_TIMEOUT_MS, signal }: WaitOptions,
    begin: (pending: Pending) => void,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#isEnded) throw ended(what);
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        if (Number.isFinite(timeoutMs))
          timer = setTimeout(
            () => reject(new VmError(`QEMU did not respond to \`${what}\` within ${Math.round(timeoutMs)} ms`)),
            timeoutMs,
          );
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener('abort', onAbort);
        begin({ command: what, resolve, reject });
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #receive(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0 && !this.#isEnded; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)]).toString();
      this.#chunks = [];
      this.#bufferedBytes = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') this.#handle(line);
    }
    if (this.#isEnded || rest.length === 0) return;
    this.#chunks.push(rest);
    this.#bufferedBytes += rest.length;
    if (this.#bufferedBytes > LONGEST_LINE_BYTES)
      this.#end(new VmError(`QEMU sent a line longer than ${LONGEST_LINE_BYTES} bytes`));
  }

  #handle(line: string): void {
    const message = parseObject(line);
    if (message === undefined) {
      this.#end(new VmError(`not a QMP message: \`${line.trim().slice(0, 80)}\``));
      return;
    }
    if ('QMP' in message) this.#greeting?.resolve(message['QMP']);
    else if (typeof message['event'] === 'string') {
      const data = message['data'];
      this.#events.push({ name: message['event'], data: isObject(data) ? data : {} });
    } else if (typeof message['id'] === 'number') this.#respond(message['id'], message);
    else if ('error' in message) this.#end(new VmError(`QEMU rejected a message: ${descriptionOf(message['error'])}`));
  }

  #respond(id: number, message: Readonly<Record<string, unknown>>): void {
    // A late response has no waiting call.
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if ('error' in message)
      pending.reject(new VmError(`QEMU rejected \`${pending.command}\`: ${descriptionOf(message['error'])}`));
    else pending.resolve(message['return']);
  }

  /** `errorFor` returns the error of a call that waits for the response to a command. */
  #end(error: VmError | undefined, errorFor = (command: string): VmError => error ?? ended(command)): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stream.destroy();
    for (const pending of [...this.#pending.values(), ...(this.#greeting === undefined ? [] : [this.#greeting])])
      pending.reject(errorFor(pending.command));
    this.#pending.clear();
    this.#events.close();
    this.#settle(error);
  }
}

function ended(what: string, cause?: Error): VmError {
  const end = cause === undefined ? 'QEMU closed the connection' : 'the connection to QEMU broke';
  return new VmError(`${end} before it responded to \`${what}\``, { cause });
}

async function connected(path: string): Promise<Duplex> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

function descriptionOf(error: unknown): string {
  return isObject(error) && typeof error['desc'] === 'string' ? error['desc'] : 'no reason given';
}
