import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { PART_SUFFIX } from '../layout.ts';
import type { Block } from './blocks.ts';
import { makeDirectory } from './directories.ts';
import { diskWorker } from './disk-worker.ts';
import type { DiskReply, DiskRequest, FileHash, HashTask, PlacedFile, SmallFile } from './disk-worker.ts';

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

/** How much one message asks of a worker: small enough to share the work out evenly, large enough to make few messages. */
const BATCH_BYTES = 8 << 20;
const BATCH_FILES = 64;

/** A file to hash, and how much work that will be. */
export interface SizedTask extends HashTask {
  readonly sizeBytes: number;
}

/** A stream of bytes being hashed beside the main thread. */
export interface HashStream {
  /** Hashes the next bytes, which stand in an open file from `at` on; returns how many were there. They are read back from the
   *  file: the system still has them in memory, and giving another thread memory of ours means copying into shared memory,
   *  which V8 does a word at a time. Throws the system's error when they cannot be read. */
  update(fd: number, at: number, bytes: number): Promise<number>;
  /** Ends the stream; in lower-case hexadecimal. */
  digest(): Promise<string>;
  /** Gives the stream up. */
  forget(): void;
}

/** A file that waits to be put into place, with who waits for it. */
interface Placing {
  readonly small: SmallFile;
  readonly block: Block;
  readonly resolve: (placed: PlacedFile) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that work on files, started when there is work; idle ones do not keep the process alive. Lifetime: until `close`. */
export class DiskPool {
  readonly #threads: Thread[] = [];
  readonly #size: number;
  #streams = 0;
  #placings: Placing[] = [];
  #placer: Thread | undefined;
  /** Blocks that the placing thread knows. */
  readonly #named = new Set<Block>();

  constructor(jobs: number = availableParallelism()) {
    this.#size = Math.max(1, Math.min(jobs, 8));
  }

  /** Begins a stream on the thread with the least to do. */
  stream(algorithm: 'sha512' | 'md5'): HashStream {
    const thread = this.#idlest();
    const stream = this.#streams++;
    thread.streams++;
    return {
      update: async (fd, at, bytes) => {
        const { bytes: done = 0, failure } = await thread.ask({ kind: 'update', stream, algorithm, fd, at, bytes });
        if (failure !== undefined)
          throw Object.assign(new Error(`cannot read what was written: ${failure}`), { code: failure });
        return done;
      },
      digest: async () => {
        thread.streams--;
        const { hex } = await thread.ask({ kind: 'digest', stream, algorithm });
        return hex ?? '';
      },
      forget: () => {
        thread.streams--;
        thread.ask({ kind: 'forget', stream }).catch(() => undefined);
      },
    };
  }

  /** Reads and hashes files, the largest first, and hands results out as they come, in no order. Throws the signal's reason;
   *  at most one batch for each thread is then still being read. */
  async hashFiles(
    tasks: readonly SizedTask[],
    take: (results: readonly FileHash[]) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    signal?.throwIfAborted();
    const batches = batchesOf(tasks);
    const left = batches.values();
    const work = async (thread: Thread): Promise<void> => {
      for (const tasks of left) {
        const { files } = await thread.ask({ kind: 'files', tasks });
        signal?.throwIfAborted();
        take(files ?? []);
      }
    };
    // A second batch waits at each thread while the first is read.
    const threads = Array.from(
      { length: Math.min(this.#size, batches.length) },
      (_, i) => (this.#threads[i] ??= new Thread()),
    );
    await Promise.all([...threads, ...threads].map(work));
  }

  /** Checks a small file, which stands in a block, and puts it into place. Those that are asked for in one turn go to the thread in one
   *  message. */
  place(block: Block, file: Omit<SmallFile, 'block'>): Promise<PlacedFile> {
    return new Promise((resolve, reject) => {
      if (this.#placings.push({ small: { ...file, block: block.number }, block, resolve, reject }) === 1)
        setImmediate(() => this.#placeAll());
    });
  }

  #placeAll(): void {
    const placings = this.#placings;
    this.#placings = [];
    const blocks = placings.flatMap(({ block }) => (this.#named.has(block) ? [] : [block]));
    for (const block of blocks) this.#named.add(block);
    // One thread: two were no sooner done with thousands of files, and each takes 15 MB.
    (this.#placer ??= this.#idlest())
      .ask({ kind: 'place', small: placings.map(({ small }) => small), blocks, suffix: PART_SUFFIX })
      .then(({ placed = [] }) => placed.forEach((one, i) => placings[i]?.resolve(one)))
      .catch((error: unknown) => placings.forEach(({ reject }) => reject(error)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop()));
  }

  #idlest(): Thread {
    const idlest = this.#threads.reduce<Thread | undefined>(
      (best, one) => (best === undefined || one.load < best.load ? one : best),
      undefined,
    );
    if (idlest !== undefined && (idlest.load === 0 || this.#threads.length >= this.#size)) return idlest;
    const thread = new Thread();
    this.#threads.push(thread);
    return thread;
  }
}

function batchesOf(tasks: readonly SizedTask[]): HashTask[][] {
  const batches: HashTask[][] = [];
  let batch: HashTask[] = [];
  let sizeBytes = 0;
  for (const task of tasks.toSorted((a, b) => b.sizeBytes - a.sizeBytes)) {
    batch.push({ location: task.location, sha512: task.sha512, md5: task.md5 });
    sizeBytes += task.sizeBytes;
    if (batch.length < BATCH_FILES && sizeBytes < BATCH_BYTES) continue;
    batches.push(batch);
    batch = [];
    sizeBytes = 0;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** One worker and the questions it has not answered yet. */
class Thread {
  streams = 0;
  readonly #worker = new Worker(`(${diskWorker.toString()})(require, ${makeDirectory.toString()})`, {
    eval: true,
    execArgv: [],
    // What it makes dies young: room for more would only be memory.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  readonly #waiting = new Map<
    number,
    { readonly resolve: (reply: DiskReply) => void; readonly reject: (error: unknown) => void }
  >();
  #ids = 0;
  #failure: Error | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (reply: DiskReply) => {
      this.#waiting.get(reply.id)?.resolve(reply);
      this.#waiting.delete(reply.id);
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread that works on files has ended')));
  }

  /** Streams, and questions not answered yet. */
  get load(): number {
    return this.streams + this.#waiting.size;
  }

  /** Asks the thread. Throws when it has ended. */
  async ask(question: WithoutId<DiskRequest>): Promise<DiskReply> {
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      const id = this.#ids++;
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...question, id }, []);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
