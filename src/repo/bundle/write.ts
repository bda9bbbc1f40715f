import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createTarPacker } from 'modern-tar';
import type { TarPackController } from 'modern-tar';
import { CygstrapError } from '../../errors.ts';
import { createAtomically } from '../../io/atomic-file.ts';

/** A member of a bundle. */
export interface Member {
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string };
  /** Read once, when the member is written. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Members have a fixed time and owner, so that the same members give the same bytes. */
const MTIME = new Date(0);

/** Writes members into a tar file, in order, and verifies size and digest of each. The file is renamed to `path` when
 *  it is complete; on failure nothing is left. Returns its size in bytes. Throws `verify` for a member that does not
 *  match, `io`, errors of the chunks and the reason of the signal. */
export async function writeBundle(path: string, members: Iterable<Member>, signal?: AbortSignal): Promise<number> {
  return createAtomically(path, async (temporary) => {
    const { readable, controller } = createTarPacker();
    const file = createWriteStream(temporary, { flush: true });
    const closed = once(file, 'close').catch(() => undefined);
    const [writing, adding] = await Promise.allSettled([pipeline(readable, file), addAll(controller, members, signal)]);
    // A stream that is stopped early can still be creating its file.
    await closed;
    // An error while adding members ends the writing, too, and is the cause.
    if (adding.status === 'rejected' && (adding.reason instanceof CygstrapError || signal?.aborted === true))
      throw adding.reason;
    if (writing.status === 'rejected')
      throw new CygstrapError('io', `cannot write \`${path}\``, { cause: writing.reason });
    if (adding.status === 'rejected') throw adding.reason;
    return file.bytesWritten;
  });
}

async function addAll(
  tar: TarPackController,
  members: Iterable<Member>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    for (const member of members) await add(tar, member, signal);
    tar.finalize();
  } catch (error) {
    tar.error(error);
    throw error;
  }
}

async function add(
  tar: TarPackController,
  { name, sizeBytes, digest, chunks }: Member,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = tar.add({ name, size: sizeBytes, mtime: MTIME, mode: 0o644, uid: 0, gid: 0 }).getWriter();
  const hash = createHash(digest.algorithm);
  let writtenBytes = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    writtenBytes += chunk.length;
    if (writtenBytes > sizeBytes) throw mismatch(name, `larger than its ${sizeBytes} bytes`);
    hash.update(chunk);
    await entry.write(chunk);
  }
  if (writtenBytes !== sizeBytes) throw mismatch(name, `${writtenBytes} bytes instead of ${sizeBytes}`);
  const hex = hash.digest('hex');
  if (hex !== digest.hex) throw mismatch(name, `its ${digest.algorithm} is \`${hex}\` instead of \`${digest.hex}\``);
  await entry.close();
}

function mismatch(name: string, reason: string): CygstrapError {
  return new CygstrapError('verify', `\`${name}\` does not match: ${reason}`, {
    hint: 'repair the repo with `cygstrap verify --repair`',
    details: { path: name },
  });
}
