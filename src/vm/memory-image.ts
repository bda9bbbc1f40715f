import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { replaceFile, temporaryPathOf } from '../io/atomic-file.ts';
import { userNetworkOf } from './argv/nics.ts';
import { socketPath } from './base/layout.ts';
import type { Machine } from './machine.ts';
import { exitText, stderrText } from '../io/program.ts';
import type { Program } from '../io/program.ts';
import { fieldOf } from './qmp/values.ts';
import { startVmProgram, VmError } from './base/vm-error.ts';

/** Interval between queries of the progress. */
const POLL_INTERVAL_MS = 4;

/** Effectively no limit; QEMU pauses between pages to keep to its default rate. */
const NO_LIMIT_BYTES_PER_SECOND = 2 ** 40;

/** Format of the image on disk. */
export type ImageCompression = { readonly kind: 'none' } | { readonly kind: 'zstd'; readonly zstd: string };

export interface ImageOptions {
  readonly path: string;
  readonly compression: ImageCompression;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SavedImage {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Time from stopping the guest until the image was complete. */
  readonly durationMs: number;
}

/** Machines without their user network; saving can be repeated. */
const unplugged = new WeakSet<Machine>();

/** Stops a machine and writes its devices, and its memory unless that is a shared file, to a file, which appears
 *  complete or not at all. Removes links `direct`, so that the machine can only be ended afterwards. The image
 *  passes through a socket of this process, which distinguishes a full disk from other failures. Throws VmError
 *  with QEMU's message or with an error of the disk as its cause, and the reason of the signal. */
export async function saveMemory(machine: Machine, options: ImageOptions): Promise<SavedImage> {
  const { spec, files } = machine;
  const { path, signal } = options;
  const startMs = performance.now();
  await machine.command('stop', {}, { signal });
  if (!unplugged.has(machine)) {
    unplugged.add(machine);
    for (const { id, link } of spec.nics)
      if (link.kind === 'direct') await machine.command('netdev_del', { id: userNetworkOf(id) }, { signal });
  }
  await machine.command('migrate-set-parameters', { 'max-bandwidth': NO_LIMIT_BYTES_PER_SECOND }, { signal });
  await setCapabilities(machine, spec.memory.backing.kind === 'file' && spec.memory.backing.isShared);
  const temporary = temporaryPathOf(path);
  const ours = new AbortController();
  const stopped = signal === undefined ? ours.signal : AbortSignal.any([signal, ours.signal]);
  try {
    const { connection } = await listenOnce(files.migration, stopped);
    const written = connection.then((from) => writeImage(from, temporary, options.compression, stopped));
    written.catch(() => {});
    await machine.command('migrate', { uri: `unix:${socketPath(files.migration)}` }, { signal });
    const migrated = untilMigrated(machine, options).catch((error: unknown) => {
      // QEMU sends nothing more.
      ours.abort();
      throw error;
    });
    const [image, migration] = await machine.unlessEnded(Promise.allSettled([written, migrated]));
    // A full disk also breaks QEMU's side of the connection; the disk is the reason.
    if (image.status === 'rejected' && (migration.status === 'fulfilled' || !isDisconnect(image.reason)))
      throw image.reason;
    if (migration.status === 'rejected') throw migration.reason;
    if (image.status === 'rejected' || image.value.sizeBytes === 0)
      throw new VmError('QEMU wrote an empty memory image');
    await replaceFile(temporary, path);
    return { ...image.value, durationMs: performance.now() - startMs };
  } catch (error) {
    ours.abort();
    await machine.command('migrate_cancel').catch(() => {});
    signal?.throwIfAborted();
    throw imageError(error, 'write', path);
  } finally {
    await Promise.all([temporary, files.migration].map((each) => rm(each, { force: true })));
  }
}

/** Loads an image into a machine with `start: 'incoming'`; it stays paused until the QMP command `cont`. Its memory
 *  is a private mapping of the file that it was saved with, or part of the image. Throws VmError with QEMU's
 *  message, also for a damaged image and for one of another machine; the machine has ended then. */
export async function loadMemory(machine: Machine, options: ImageOptions): Promise<void> {
  const { spec, files } = machine;
  const { path, signal } = options;
  await setCapabilities(machine, spec.memory.backing.kind === 'file');
  // Announcements would wait for `cont`. QEMU 7.2 crashes if it sends one to a link `stream` that is not listening yet.
  await machine.command('migrate-set-parameters', { 'announce-rounds': 0 }, { signal });
  await machine.command('migrate-incoming', { uri: `unix:${socketPath(files.migration)}` }, { signal });
  const socket = createConnection(files.migration);
  // QEMU can close the connection after the last byte.
  socket.on('error', () => {});
  try {
    const sent = readImage(path, socket, options).catch((error: unknown) => {
      // QEMU closes the connection when it rejects an image; its own message is better.
      if (!isDisconnect(error)) throw error;
    });
    await machine.unlessEnded(Promise.all([sent, untilMigrated(machine, options)]));
  } catch (error) {
    signal?.throwIfAborted();
    throw imageError(error, 'read', path);
  } finally {
    socket.destroy();
    await rm(files.migration, { force: true });
  }
}

async function setCapabilities(machine: Machine, omitsMemory: boolean): Promise<void> {
  if (omitsMemory)
    await machine.command('migrate-set-capabilities', {
      capabilities: [{ capability: 'x-ignore-shared', state: true }],
    });
}

async function untilMigrated(machine: Machine, { timeoutMs, signal }: ImageOptions): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const state = await machine.command('query-migrate', {}, { signal });
    const status = fieldOf(state, 'status');
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled') {
      const why = fieldOf(state, 'error-desc');
      throw new VmError(`the transfer of the memory image ${status}${typeof why === 'string' ? `: ${why}` : ''}`);
    }
    if (performance.now() > untilMs) throw new VmError(`the memory image took longer than ${timeoutMs} ms`);
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** Listens on a socket for one connection; resolves when it is listening. */
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
    await using packer = await startVmProgram([compression.zstd, '-q', '-T0', '-c'], { signal });
    await Promise.all([pipeline(from, packer.stdin, { signal }), pipeline(packer.stdout, counted, target, { signal })]);
    await requireSuccess(packer);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function readImage(path: string, to: Socket, { compression, signal }: ImageOptions): Promise<void> {
  const stop = signal === undefined ? {} : { signal };
  if (compression.kind === 'none') return pipeline(createReadStream(path), to, stop);
  await using unpacker = await startVmProgram([compression.zstd, '-q', '-d', '-c', '--', path], { signal });
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

/** Returns whether an error only reports that the other side closed or that the work was aborted. */
function isDisconnect(error: unknown): boolean {
  const code = fieldOf(error, 'code');
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
}

function imageError(error: unknown, action: 'read' | 'write', path: string): unknown {
  if (error instanceof VmError) return error;
  const isFull = fieldOf(error, 'code') === 'ENOSPC';
  return new VmError(`cannot ${action} the memory image \`${path}\`${isFull ? ': the disk is full' : ''}`, {
    cause: error,
    ...(isFull && { hint: 'free some disk space' }),
  });
}
