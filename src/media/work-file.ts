import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from '../io/atomic-file.ts';
import { hasCode } from '../io/system-error.ts';
import { MediaError } from './base/media-error.ts';

/** Suffix of the work directory beside the target: `.repo.iso.HOST.PID.RANDOM.tmp`. */
const WORK_SUFFIX = '.tmp';

/** Name of the image in the work directory. */
const IMAGE_NAME = 'image';

/** Writes a file in a work directory beside its target, flushes it, and renames it to `out`. Until then readers see
 *  the old file. `work` receives the path to write to and the work directory; returns its result. A failure leaves
 *  nothing. Also removes what killed processes of this host left. Throws `io`, and what `work` throws. */
export async function withWorkFile<T>(out: string, work: (image: string, directory: string) => Promise<T>): Promise<T> {
  const parent = dirname(out);
  const prefix = `.${basename(out)}.${hostname().replaceAll(/[^A-Za-z0-9-]/g, '_')}.`;
  const directory = join(parent, `${prefix}${process.pid}.${randomBytes(6).toString('hex')}${WORK_SUFFIX}`);
  try {
    await mkdir(parent, { recursive: true });
    await removeAbandoned(parent, prefix);
    await mkdir(directory);
    const image = join(directory, IMAGE_NAME);
    const result = await work(image, directory);
    await flush(image);
    await replaceFile(image, out);
    return result;
  } catch (error) {
    if (error instanceof MediaError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw new MediaError('io', `cannot write \`${out}\``, { details: { path: out }, cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || !name.endsWith(WORK_SUFFIX)) continue;
    const pid = Number(/^\d+/.exec(name.slice(prefix.length))?.[0]);
    if (pid > 0 && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process exists and belongs to another user.
    return hasCode(error, 'EPERM');
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
