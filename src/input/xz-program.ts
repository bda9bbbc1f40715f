import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What is read at once. It takes some 15 ms to make that much; to read all that is there each time takes the two longer, since then
 *  we do little else than look. */
const READ_BYTES = 1024 * 1024;
const POLL_INTERVAL_MS = 4;

export interface XzLimits {
  readonly maxTextBytes: number;
  /** Memory that the program may take. */
  readonly maxDecoderBytes: number;
}

/** A file that is to hold a text, and which its decoder may write. */
export interface TextFile {
  /** New and empty, to read and write. */
  readonly file: FileHandle;
  /** So many bytes of the text stand in it, from its beginning. */
  writtenBytes: number;
}

/** Decodes .xz data with the `xz` of this system, in a process of its own. It reads and writes files, by default such as have no name
 *  any more, and so never waits for us, however uneven our own work is: through a pipe both together take a seventh longer. Throws
 *  for whatever goes wrong, without telling why: no such program, damaged data, no room, more text than `maxTextBytes`. What came
 *  until then is right as far as it goes. Stopping early ends the process. */
export async function* decodeByXz(
  program: string,
  bytes: Uint8Array,
  limits: XzLimits,
  into?: TextFile,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (into !== undefined) {
    yield* decodeInto(into, program, bytes, limits);
    return;
  }
  await using file = await openNameless();
  yield* decodeInto({ file, writtenBytes: 0 }, program, bytes, limits);
}

async function* decodeInto(
  text: TextFile,
  program: string,
  bytes: Uint8Array,
  { maxTextBytes, maxDecoderBytes }: XzLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { spawn } = await import('node:child_process');
  await using input = await openNameless();
  const output = text.file;
  // At a position, so that the offset, which the process shares, stays at the beginning.
  const { bytesWritten } = await input.write(bytes, 0, bytes.length, 0);
  if (bytesWritten < bytes.length) throw new Error('no room for the data');
  const argv = [
    '--decompress',
    '--stdout',
    '--format=xz',
    '--no-sparse',
    '--threads=1',
    `--memlimit-decompress=${maxDecoderBytes}`,
  ];
  // It would take options from the environment too.
  const child = spawn(program, argv, {
    stdio: [input.fd, output.fd, 'ignore'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let code: number | null | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (exitCode) => {
      code = exitCode;
      resolve();
    });
    child.once('error', () => {
      code = null;
      resolve();
    });
  });
  try {
    for (let at = 0; ;) {
      // Asked before looking: after it has ended nothing more comes.
      const isLast = code !== undefined;
      const { size } = await output.stat();
      if (size > maxTextBytes) throw new Error('too much text');
      if (!isLast && size - at < READ_BYTES) {
        await delay(POLL_INTERVAL_MS);
        continue;
      }
      const { buffer, bytesRead } = await output.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      text.writtenBytes = at;
      yield buffer.subarray(0, bytesRead);
    }
    if (code !== 0) throw new Error('the program failed');
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** A file to read and write that nobody else sees and that is gone when it is closed, however we end. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `cygstrap-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}
