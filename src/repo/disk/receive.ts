import { untilAborted } from '../../io/abort.ts';
import { replaceFile } from '../../io/atomic-file.ts';
import { hasCode } from '../../io/system-error.ts';
import { algorithmOf } from '../files/file.ts';
import type { Digest, RepoFile } from '../files/file.ts';
import { PART_SUFFIX } from '../files/layout.ts';
import type { OpenSource, Source } from '../files/source.ts';
import { SETTLED_MS } from './file-status.ts';
import type { FileStatus } from './file-status.ts';
import { VerifyError, wrongDigest, wrongSize } from '../files/verify-error.ts';
import type { Directories } from './directories.ts';
import { PartFile, discardPart, discardPartNote, readPartNote, writePartNote } from './part-file.ts';

/** Parts of files larger than this are kept when a download breaks off, and the next attempt continues them. */
const RESUMABLE_BYTES = 1 << 20;

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of each chunk or file that is read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface ReceiveOptions extends ReadOptions {
  readonly directories: Directories;
}

export interface Received {
  readonly digest: Digest;
  readonly status: FileStatus;
}

/** Writes a file: a part beside the target, counted and hashed while it is written, compared with size and digest, then
 *  renamed. The target does not change before that. If the source breaks off, the part of a large file stays and the
 *  next call continues it; wrong bytes are removed, and the error says whether they come from several responses.
 *  Returns the digest and status of the file, which is not flushed to the disk yet. Throws VerifyError, errors of the
 *  system, errors of the source and the reason of the signal. */
export async function receive(
  file: RepoFile,
  location: string,
  openSource: OpenSource,
  { directories, signal, onBytes }: ReceiveOptions,
): Promise<Received> {
  const isResumable = file.sizeBytes > RESUMABLE_BYTES;
  const note = isResumable ? readPartNote(location, file) : undefined;
  const kept = note === undefined ? undefined : await PartFile.reopen(location, file, signal);
  const part = kept ?? (await createPart(location, file, directories));
  let isContinued = part.sizeBytes > 0;
  try {
    const fromByte = part.sizeBytes;
    if (fromByte < file.sizeBytes) {
      const source = await openSource({ fromByte, validator: fromByte === 0 ? undefined : note?.validator });
      beginAt(source, part, file);
      isContinued = part.sizeBytes > 0;
      if (isResumable) writePartNote(location, file, source);
      for await (const chunk of untilAborted(source.chunks, signal)) {
        if (part.sizeBytes + chunk.length > file.sizeBytes) throw wrongSize(file, file.sizeBytes + 1);
        onBytes?.(chunk.length);
        part.write(chunk);
      }
    }
    if (part.sizeBytes !== file.sizeBytes) throw wrongSize(file, part.sizeBytes);
    const received = finish(part, file);
    await replaceFile(`${location}${PART_SUFFIX}`, location);
    if (isResumable) discardPartNote(location);
    return received;
  } catch (error) {
    part.close();
    if (error instanceof VerifyError) error.wasResumed = isContinued;
    const isKept = isResumable && part.sizeBytes > 0 && !(error instanceof VerifyError);
    if (!isKept) discardPart(location);
    throw error;
  }
}

async function createPart(location: string, file: RepoFile, directories: Directories): Promise<PartFile> {
  await directories.createFor(location);
  try {
    return await PartFile.create(location, algorithmOf(file));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    // Another process has removed the directory.
    directories.forget();
    await directories.createFor(location);
    return PartFile.create(location, algorithmOf(file));
  }
}

/** Prepares the part for a source that continues it, or that starts again. */
function beginAt({ startByte }: Source, part: PartFile, { path, sizeBytes }: RepoFile): void {
  if (startByte === part.sizeBytes) return;
  if (startByte === 0) return part.restart();
  throw new VerifyError(`\`${path}\`: the site sent bytes from ${startByte} on instead of ${part.sizeBytes}`, {
    path,
    expected: `${sizeBytes} bytes`,
    actual: `bytes from ${startByte} on`,
    bytes: 0,
  });
}

/** Compares the digest. Sets the time of the file back, so that any later change, however soon, gives it another time.
 */
function finish(part: PartFile, file: RepoFile): Received {
  const { hex, status } = part.finish(Math.floor(Date.now() / 1000) * 1000 - SETTLED_MS);
  part.close();
  if (file.digest !== undefined && hex !== file.digest.hex) throw wrongDigest(file, file.digest, hex);
  return { digest: { algorithm: algorithmOf(file), hex }, status };
}
