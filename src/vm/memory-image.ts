import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { replaceFile, temporaryPathOf } from '../io/atomic-file.ts';
import { userNetworkOf } from './argv/nics.ts';
import { socketPath } from './layout.ts';
import type { Machine } from './machine.ts';
import { exitText, stderrText } from '../io/program.ts';
import type { Program } from '../io/program.ts';
import { fieldOf } from './qmp/commands.ts';
import { startVmProgram, VmError } from './vm-error.ts';

/** How often QEMU is asked how far it is. */
const POLL_INTERVAL_MS = 4;

/** QEMU waits between pages to keep to a rate; this is none. */
const NO_LIMIT_BYTES_PER_SECOND = 2 ** 40;

/** How the image lies on the disk. */
export type ImageCompression =
  { readonly kind: 'none' } | { readonly kind: 'zstd'; readonly zstd: string; readonly setpriv: string | undefined };

export interface ImageOptions {
  readonly path: string;
  readonly compression: ImageCompression;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SavedImage {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** From the moment when the guest stood still until the image was complete. */
  readonly durationMs: number;
}

/** Machines whose user network was taken out: saving may be tried again. */
const unplugged = new WeakSet<Machine>();

/** Stops a machine and writes its devices, and its memory unless that is a shared file, to a file, which appears whole or not at all.
 *  Links `direct` are unplugged by that: the machine is good for nothing after it but to be ended. The image goes through a socket of
 *  ours, so that a full disk is told apart from all else. Throws VmError with QEMU's own words, `io` errors of the disk as its cause. */
export async function saveMemory(machine: Machine, options: ImageOptions): Promise<SavedImage> {
  const { qmp, spec, files } = machine;
  const { path, signal } = options;
  const startMs = performance.now();
  await qmp.command('stop', {}, { signal });
  if (!unplugged.has(machine)) {
    unplugged.add(machine);
    for (const { id, link } of spec.nics)
      if (link.kind === 'direct') await qmp.command('netdev_del', { id: userNetworkOf(id) }, { signal });
  }
  await qmp.command('migrate-set-parameters', { 'max-bandwidth': NO_LIMIT_BYTES_PER_SECOND }, { signal });
  await setCapabilities(machine, spec.memory.backing.kind === 'file' && spec.memory.backing.isShared);
  const temporary = temporaryPathOf(path);
  const ours = new AbortController();
  const stopped = signal === undefined ? ours.signal : AbortSignal.any([signal, ours.signal]);
  try {
    const { connection } = await listenOnce(files.migration, stopped);
    const written = connection.then((from) => writeImage(from, temporary, options.compression, stopped));
    written.catch(() => {});
    await qmp.command('migrate', { uri: `unix:${socketPath(files.migration)}` }, { signal });
    const migrated = untilMigrated(machine, options).catch((error: unknown) => {
      // Nothing more comes from QEMU then.
      ours.abort();
      throw error;
    });
    const [image, migration] = await machine.unlessEnded(Promise.allSettled([written, migrated]));
    // A disk that takes no more breaks QEMU's end too, and is what to tell of.
    if (image.status === 'rejected' && (migration.status === 'fulfilled' || !isGoneAway(image.reason)))
      throw image.reason;
    if (migration.status === 'rejected') throw migration.reason;
    if (image.status === 'rejected' || image.value.sizeBytes === 0)
      throw new VmError('QEMU wrote an empty memory image');
    await replaceFile(temporary, path);
    return { ...image.value, durationMs: performance.now() - startMs };
  } catch (error) {
    ours.abort();
    await qmp.command('migrate_cancel').catch(() => {});
    signal?.throwIfAborted();
    throw told(error, 'write', path);
  } finally {
    await Promise.all([temporary, files.migration].map((each) => rm(each, { force: true })));
  }
}

/** Fills a machine that waits (`start: 'incoming'`) from an image; it stands still after that, until QMP says `cont`. Its memory is a
 *  private mapping of the file that it was saved with, or comes in the image where it was not a file. Throws VmError with QEMU's own
 *  words, also for an image that is damaged or of another machine; such a machine has ended. */
export async function loadMemory(machine: Machine, options: ImageOptions): Promise<void> {
  const { qmp, spec, files } = machine;
  const { path, signal } = options;
  await setCapabilities(machine, spec.memory.backing.kind === 'file');
  await qmp.command('migrate-incoming', { uri: `unix:${socketPath(files.migration)}` }, { signal });
  const socket = createConnection(files.migration);
  // QEMU may hang up when all is sent and nobody listens any more.
  socket.on('error', () => {});
  try {
    const sent = readImage(path, socket, options).catch((error: unknown) => {
      // QEMU hangs up on an image that it refuses, and what it says of that is the better message.
      if (!isGoneAway(error)) throw error;
    });
    await machine.unlessEnded(Promise.all([sent, untilMigrated(machine, options)]));
  } catch (error) {
    signal?.throwIfAborted();
    throw told(error, 'read', path);
  } finally {
    socket.destroy();
    await rm(files.migration, { force: true });
  }
}

async function setCapabilities({ qmp }: Machine, isMemoryLeftOut: boolean): Promise<void> {
  if (isMemoryLeftOut)
    await qmp.command('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
}

async function untilMigrated({ qmp }: Machine, { timeoutMs, signal }: ImageOptions): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const state = await qmp.command('query-migrate', {}, { signal });
    const status = fieldOf(state, 'status');
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled') {
      const why = fieldOf(state, 'error-desc');
      throw new VmError(`QEMU says of the memory image: ${status}${typeof why === 'string' ? `: ${why}` : ''}`);
    }
    if (performance.now() > untilMs) throw new VmError(`the memory image took longer than ${timeoutMs} ms`);
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** Listens on a socket for one connection; resolves when it listens. */
async function listenOnce(path: string, signal: AbortSignal): Promise<{ readonly connection: Promise<Socket> }> {
  const server = createServer();
  const connection = new Promise<Socket>((resolve, reject) => {
    server.once('connection', (socket) => {
      server.close();
      resolve(socket);
    });
    signal.addEventListener('abort', () => {
      server.close();
      reject(signal.reason as Error);
    });
  });
  connection.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return { connection };
}

async function writeImage(
  from: Socket,
  path: string,
  compression: ImageCompression,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  const target = createWriteStream(path, { mode: 0o600, flush: true });
  if (compression.kind === 'none') await pipeline(from, counted, target, { signal });
  else {
    await using packer = await startVmProgram([compression.zstd, '-q', '-T0', '-c'], {
      setpriv: compression.setpriv,
      signal,
    });
    await Promise.all([pipeline(from, packer.stdin, { signal }), pipeline(packer.stdout, counted, target, { signal })]);
    await requireSuccess(packer);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function readImage(path: string, to: Socket, { compression, signal }: ImageOptions): Promise<void> {
  const stop = signal === undefined ? {} : { signal };
  if (compression.kind === 'none') return pipeline(createReadStream(path), to, stop);
  await using unpacker = await startVmProgram([compression.zstd, '-q', '-d', '-c', '--', path], {
    setpriv: compression.setpriv,
    signal,
  });
  await pipeline(unpacker.stdout, to, stop);
  await requireSuccess(unpacker);
}

async function requireSuccess(child: Program): Promise<void> {
  const exit = await child.exited;
  if (exit.code !== 0)
    throw new VmError(`\`${child.argv[0] ?? ''}\` failed (${exitText(exit)})${stderrText(child.stderrTail())}`, {
      details: child.details(exit),
    });
}

/** Whether an error says no more than that the other end is gone, or that we stopped. */
function isGoneAway(error: unknown): boolean {
  const code = fieldOf(error, 'code');
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
}

function told(error: unknown, doing: 'read' | 'write', path: string): unknown {
  if (error instanceof VmError) return error;
  const isFull = fieldOf(error, 'code') === 'ENOSPC';
  return new VmError(`cannot ${doing} the memory image \`${path}\`${isFull ? ': the disk is full' : ''}`, {
    cause: error,
    ...(isFull && { hint: 'make room' }),
  });
}
