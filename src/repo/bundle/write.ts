import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { CygstrapError } from '../../errors.ts';

/** What goes into a bundle under one name. */
export interface Member {
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string };
  /** Read once, when the member's turn has come. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Members have no time and no owner of their own: the same members give the same bytes. */
const MTIME = new Date(0);

/** Writes members into one tar, in the order given, comparing size and digest of each on the way. The file appears under its
 *  name when it is complete. Throws `verify` for a member that is not what it should be, `io`, and what the chunks throw; then
 *  nothing is left. Throws the signal's reason, too. Returns the bytes of the tar. */
export async function writeBundle(path: string, members: Iterable<Member>, signal?: AbortSignal): Promise<number> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const tar = pack();
    const file = createWriteStream(draft, { flush: true });
    const [writing, feeding] = await Promise.allSettled([pipeline(tar, file), feed(tar, members, signal)]);
    // What ended the feeding ended the writing too, and is what there is to tell.
    if (feeding.status === 'rejected' && (feeding.reason instanceof CygstrapError || signal?.aborted === true))
      throw feeding.reason;
    if (writing.status === 'rejected')
      throw new CygstrapError('io', `cannot write \`${path}\``, { cause: writing.reason });
    if (feeding.status === 'rejected') throw feeding.reason;
    await rename(draft, path);
    return file.bytesWritten;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function feed(tar: Pack, members: Iterable<Member>, signal: AbortSignal | undefined): Promise<void> {
  try {
    for (const member of members) await add(tar, member, signal);
    tar.finalize();
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function add(
  tar: Pack,
  { name, sizeBytes, digest, chunks }: Member,
  signal: AbortSignal | undefined,
): Promise<void> {
  const done = new Settled();
  const entry = tar.entry({ name, size: sizeBytes, mtime: MTIME, mode: 0o644, uid: 0, gid: 0, type: 'file' }, (error) =>
    done.settle(error),
  );
  // The callback is told as well.
  entry.on('error', () => {});
  const hash = createHash(digest.algorithm);
  let writtenBytes = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    writtenBytes += chunk.length;
    if (writtenBytes > sizeBytes) throw mismatch(name, `larger than its ${sizeBytes} bytes`);
    hash.update(chunk);
    if (!entry.write(chunk)) await Promise.race([drained(entry), done.promise]);
  }
  if (writtenBytes !== sizeBytes) throw mismatch(name, `${writtenBytes} bytes instead of ${sizeBytes}`);
  const hex = hash.digest('hex');
  if (hex !== digest.hex) throw mismatch(name, `its ${digest.algorithm} is \`${hex}\` instead of \`${digest.hex}\``);
  entry.end(undefined);
  await done.promise;
}

function drained(entry: ReturnType<Pack['entry']>): Promise<void> {
  return new Promise((resolve) => {
    entry.once('drain', () => resolve());
  });
}

function mismatch(name: string, what: string): CygstrapError {
  return new CygstrapError('verify', `\`${name}\` is not what it should be: ${what}`, {
    hint: 'mend the repo with `cygstrap verify --repair`',
    details: { path: name },
  });
}

/** A promise that a callback settles. */
class Settled {
  readonly promise: Promise<void>;
  settle: (error?: Error | null) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.settle = (error) => (error === undefined || error === null ? resolve() : reject(error));
    });
    this.promise.catch(() => {});
  }
}
