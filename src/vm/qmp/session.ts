import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastQueue } from '../broadcast-queue.ts';
import { VmError } from '../vm-error.ts';

/** A line of QMP is one message; the longest of QEMU (its schema) has some hundred kilobytes. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

const COMMAND_TIMEOUT_MS = 10_000;

/** How often a socket that is not there yet is tried again. */
const CONNECT_INTERVAL_MS = 5;

/** Something that QEMU tells on its own. */
export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How long to wait, and whose abort ends the wait; the reason of the signal is thrown then. */
export interface WaitOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A conversation with QEMU's machine protocol. Ends with the other side, with garbage, or when it is disposed of: whatever is waited
 *  for then is refused with VmError. */
export class QmpSession implements AsyncDisposable {
  /** Resolves when nothing more will come; with the error that ended it, or undefined when the other side closed or we did. */
  readonly closed: Promise<VmError | undefined>;
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #feed = new BroadcastQueue<QmpEvent>({ maxWaiting: 1000, replay: 0 });
  #greeting: Pending | undefined;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #nextId = 1;
  #isOver = false;
  #settle: (error: VmError | undefined) => void = () => {};

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', (cause) => this.#end(new VmError('the connection to QEMU broke', { cause })));
    stream.on('close', () => this.#end(undefined));
    stream.on('end', () => this.#end(undefined));
  }

  /** Connects to the socket of a QEMU that may still be starting, and greets it. Throws VmError. */
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
        if (performance.now() > untilMs) throw new VmError(`QEMU does not answer on \`${path}\``, { cause: error });
        await delay(CONNECT_INTERVAL_MS);
      }
    }
  }

  /** Greets a QEMU on a stream, which the session then owns. Throws VmError. */
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

  /** Runs a command and gives what it returns. Throws VmError with QEMU's own words when it is refused, when no answer comes in time
   *  (by default 10 s), and when the connection ends first. */
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

  /** Every event from this call on, until the session ends. A reader that takes none loses the oldest of a thousand. */
  events(): AsyncIterableIterator<QmpEvent> & AsyncDisposable {
    return this.#feed.read();
  }

  /** The first event of one of these names after this call. Throws VmError when the session ends first, or none comes in time. */
  async waitForEvent(names: readonly string[], options: WaitOptions = {}): Promise<QmpEvent> {
    const events = this.events();
    try {
      return (await this.#wait(names.join(' or '), { timeoutMs: Infinity, ...options }, (pending) => {
        void (async () => {
          for await (const event of events) if (names.includes(event.name)) return pending.resolve(event);
          pending.reject(new VmError(`QEMU ended before it told of ${names.join(' or ')}`));
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
    if (this.#isOver) throw ended(what);
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        if (Number.isFinite(timeoutMs))
          timer = setTimeout(
            () => reject(new VmError(`QEMU did not answer \`${what}\` within ${Math.round(timeoutMs)} ms`)),
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

  #take(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0 && !this.#isOver; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)]).toString();
      this.#chunks = [];
      this.#heldBytes = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') this.#understand(line);
    }
    if (this.#isOver || rest.length === 0) return;
    this.#chunks.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes > LONGEST_LINE_BYTES)
      this.#end(new VmError(`QEMU sent a line longer than ${LONGEST_LINE_BYTES} bytes`));
  }

  #understand(line: string): void {
    const message = objectOf(line);
    if (message === undefined) {
      this.#end(new VmError(`this is not QMP: \`${line.trim().slice(0, 80)}\``));
      return;
    }
    if ('QMP' in message) this.#greeting?.resolve(message['QMP']);
    else if (typeof message['event'] === 'string') {
      const data = message['data'];
      this.#feed.push({ name: message['event'], data: isObject(data) ? data : {} });
    } else if (typeof message['id'] === 'number') this.#answer(message['id'], message);
    else if ('error' in message)
      this.#end(new VmError(`QEMU did not understand us: ${descriptionOf(message['error'])}`));
  }

  #answer(id: number, message: Readonly<Record<string, unknown>>): void {
    // One that came too late has nobody waiting for it.
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if ('error' in message)
      pending.reject(new VmError(`QEMU refused \`${pending.command}\`: ${descriptionOf(message['error'])}`));
    else pending.resolve(message['return']);
  }

  #end(error: VmError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    for (const pending of [...this.#pending.values(), ...(this.#greeting === undefined ? [] : [this.#greeting])])
      pending.reject(error ?? ended(pending.command));
    this.#pending.clear();
    this.#feed.close();
    this.#settle(error);
  }
}

function ended(what: string): VmError {
  return new VmError(`QEMU ended the connection before it answered \`${what}\``);
}

async function connected(path: string): Promise<Duplex> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function descriptionOf(error: unknown): string {
  return isObject(error) && typeof error['desc'] === 'string' ? error['desc'] : 'no reason given';
}
