import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DecodeFault } from './input-error.ts';

/** One read. The program needs about 15 ms for this much; smaller reads spend the time on polling. */
const READ_BYTES = 1024 * 1024;
const POLL_INTERVAL_MS = 4;

export interface XzLimits {
  readonly maxTextBytes: number;
  /** Memory limit of the program. */
  readonly maxDecoderBytes: number;
}

/** Decodes .xz data with the `xz` program of this system, in a process of its own. Input and output are unlinked
 *  temporary files: the program never waits for this process, as it would at a full pipe, and both together finish a
 *  seventh sooner. The text yielded before a failure is correct. Stopping early ends the process. Throws
 *  `DecodeFault` (`corrupt`, or `limit` for more text than `maxTextBytes`), and errors of the system: `ENOENT` without
 *  the program, a full disk. */
export async function* decodeByXz(
  program: string,
  bytes: Uint8Array,
  { maxTextBytes, maxDecoderBytes }: XzLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { spawn } = await import('node:child_process');
  await using input = await openUnlinked();
  await using output = await openUnlinked();
  // A write at a position leaves the file offset, which the program inherits, at 0.
  const { bytesWritten } = await input.write(bytes, 0, bytes.length, 0);
  if (bytesWritten < bytes.length) throw new Error('the disk is full');
  const argv = [
    '--decompress',
    '--stdout',
    '--format=xz',
    '--no-sparse',
    '--threads=1',
    `--memlimit-decompress=${maxDecoderBytes}`,
  ];
  // XZ_DEFAULTS and XZ_OPT would add options.
  const child = spawn(program, argv, {
    stdio: [input.fd, output.fd, 'ignore'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let code: number | null | undefined;
  let fault: Error = new DecodeFault('corrupt', `\`${program}\` refuses the data`);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (exitCode) => {
      code = exitCode;
      resolve();
    });
    child.once('error', (error) => {
      code = null;
      fault = error;
      resolve();
    });
  });
  try {
    for (let at = 0; ;) {
      // Read before the size: after the exit the file does not grow.
      const hasEnded = code !== undefined;
      const { size } = await output.stat();
      if (size > maxTextBytes) throw new DecodeFault('limit', `more than ${maxTextBytes} bytes of text`);
      if (!hasEnded && size - at < READ_BYTES) {
        await sleep(POLL_INTERVAL_MS);
        continue;
      }
      const { buffer, bytesRead } = await output.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (code !== 0) throw fault;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** Opens a temporary file without a name, which the system removes when it is closed. */
async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `cygstrap-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}
