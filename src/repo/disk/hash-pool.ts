import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Digest } from '../files/file.ts';

/** The work of one message: small enough to spread it evenly over the threads, large enough to send few messages. */
const BATCH_BYTES = 8 << 20;
const BATCH_FILES = 64;

const MAX_THREADS = 8;

/** A file to read. */
export interface HashTask {
  /** Absolute. */
  readonly location: string;
  readonly algorithms: readonly Digest['algorithm'][];
}

/** A file to read, and its expected size, by which the work is divided. */
export interface SizedTask extends HashTask {
  readonly sizeBytes: number;
}

/** The result of reading a file. */
export type FileHash =
  | {
      readonly location: string;
      /** Number of bytes read. */
      readonly sizeBytes: number;
      /** Status of the open file before it was read. */
      readonly mtimeNs: bigint;
      readonly ctimeNs: bigint;
      readonly ino: bigint;
      readonly nlink: bigint;
      /** In lower-case hexadecimal. */
      readonly digests: Readonly<Partial<Record<Digest['algorithm'], string>>>;
    }
  /** The file cannot be read; `errorCode` is that of the system, such as `EIO`. */
  | { readonly location: string; readonly errorCode: string };

/** A message to `hash-worker.js`. */
export interface HashRequest {
  readonly id: number;
  readonly tasks: readonly HashTask[];
}

interface HashReply {
  readonly id: number;
  readonly files: readonly FileHash[];
}

/** Worker threads that hash files. They start when there is work; idle ones do not keep the process alive. */
export class HashPool {
  readonly #threads: Thread[] = [];
  readonly #size: number;

  /** @param jobs Number of threads, at most 8; the default is one for each processor. */
  constructor(jobs: number = availableParallelism()) {
    this.#size = Math.max(1, Math.min(jobs, MAX_THREADS));
  }

  /** Reads and hashes files, the largest first, and passes results to `onResults` as they arrive, in no order. Throws
   *  the reason of the signal; each thread then finishes the batch it has begun. */
  async hashFiles(
    tasks: readonly SizedTask[],
    onResults: (results: readonly FileHash[]) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    signal?.throwIfAborted();
    const batches = batchesOf(tasks);
    const queue = batches.values();
    const work = async (thread: Thread): Promise<void> => {
      for (const batch of queue) {
        const files = await thread.hash(batch);
        signal?.throwIfAborted();
        onResults(files);
      }
    };
    const threads = this.#idlest(batches.length);
    // A second batch waits in each thread while the first is read.
    await Promise.all([...threads, ...threads].map(work));
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop()));
  }

  /** Returns up to `count` threads with the least work; starts threads while some are allowed and the others are busy.
   */
  #idlest(count: number): Thread[] {
    const idle = this.#threads.filter(({ load }) => load === 0).length;
    const missing = Math.min(count - idle, this.#size - this.#threads.length);
    for (let i = 0; i < missing; i++) this.#threads.push(new Thread());
    return this.#threads.toSorted((a, b) => a.load - b.load).slice(0, count);
  }
}

function batchesOf(tasks: readonly SizedTask[]): HashTask[][] {
  const batches: HashTask[][] = [];
  let batch: HashTask[] = [];
  let sizeBytes = 0;
  for (const task of tasks.toSorted((a, b) => b.sizeBytes - a.sizeBytes)) {
    batch.push({ location: task.location, algorithms: task.algorithms });
    sizeBytes += task.sizeBytes;
    if (batch.length < BATCH_FILES && sizeBytes < BATCH_BYTES) continue;
    batches.push(batch);
    batch = [];
    sizeBytes = 0;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** One worker and its unanswered requests. */
class Thread {
  readonly #worker = new Worker(new URL('hash-worker.js', import.meta.url), {
    execArgv: [],
    // The worker creates short-lived objects only; a larger young generation would only use memory.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  readonly #pending = new Map<
    number,
    { readonly resolve: (files: readonly FileHash[]) => void; readonly reject: (error: unknown) => void }
  >();
  #lastId = 0;
  #failure: Error | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', ({ id, files }: HashReply) => {
      this.#pending.get(id)?.resolve(files);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread that hashes files has ended')));
  }

  /** Number of unanswered requests. */
  get load(): number {
    return this.#pending.size;
  }

  /** Hashes files, in order. Throws when the thread has ended. */
  async hash(tasks: readonly HashTask[]): Promise<readonly FileHash[]> {
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      const request: HashRequest = { id: this.#lastId++, tasks };
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(request.id, { resolve, reject });
      this.#worker.postMessage(request, []);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
