import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Digest, RepoFile } from '../file.ts';
import { PART_SUFFIX } from '../layout.ts';
import type { OpenSource, Source } from '../source.ts';
import { VerifyError, wrongDigest, wrongSize } from '../verify-error.ts';
import { BlockWriter } from './block-writer.ts';
import type { DiskPool } from './disk-pool.ts';
import { discardPart, readPartFacts, writePartFacts } from './part-file.ts';

const { O_CREAT, O_RDWR, O_TRUNC } = constants;

/** What receiving a file needs besides the file and its source. */
export interface Receiving {
  /** Passes chunks on until the work is called off or the source has sent more than it may. */
  readonly chunksOf: (source: Source, maxBytes: number) => AsyncIterable<Uint8Array>;
  readonly pool: DiskPool;
}

/** Writes a file to the `.part` beside it, going on where an earlier attempt broke off, and compares the whole with what was
 *  promised. The `.part` is then complete and the caller's to rename; returns its digest. What breaks off stays, with a note
 *  of what it is a part of; what is wrong is removed. Throws VerifyError, errors of the system, and what the source throws. */
export async function receiveLarge(
  file: RepoFile,
  location: string,
  openSource: OpenSource,
  { chunksOf, pool }: Receiving,
): Promise<Digest> {
  const algorithm = file.digest?.algorithm ?? 'sha512';
  const known = readPartFacts(location, file);
  const handle = await open(
    `${location}${PART_SUFFIX}`,
    known === undefined ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR | O_CREAT,
    0o666,
  );
  const writer = new BlockWriter(handle, pool, algorithm);
  try {
    if (known !== undefined) await writer.takeOver(file.sizeBytes);
    const fromByte = writer.sizeBytes;
    if (fromByte < file.sizeBytes) {
      const source = await openSource({ fromByte, validator: fromByte === 0 ? undefined : known?.validator });
      try {
        await beginAt(source.startByte, fromByte, writer, file);
        writePartFacts(location, file, source);
        for await (const chunk of chunksOf(source, file.sizeBytes - source.startByte)) await writer.write(chunk);
      } finally {
        // What came before a break is worth keeping; a second failure must not hide the first.
        await writer.drain().catch(() => undefined);
      }
      await writer.drain();
      if (writer.sizeBytes !== file.sizeBytes) throw wrongSize(file, writer.sizeBytes);
    }
    // Longer than it should be: left by something else than us.
    await handle.truncate(file.sizeBytes);
    const hex = await writer.digest();
    if (file.digest !== undefined && hex !== file.digest.hex) throw wrongDigest(file, file.digest, hex);
    return { algorithm, hex };
  } catch (error) {
    if (error instanceof VerifyError || writer.sizeBytes === 0) discardPart(location);
    throw error;
  } finally {
    writer.abandon();
    await handle.close();
  }
}

/** Makes ready for a source that goes on where we are, or begins anew. */
async function beginAt(
  startByte: number,
  fromByte: number,
  writer: BlockWriter,
  { path, sizeBytes }: RepoFile,
): Promise<void> {
  if (startByte === fromByte) return;
  if (startByte === 0) return writer.restart();
  throw new VerifyError(`\`${path}\` comes from byte ${startByte} on, and not from byte ${fromByte} as asked`, {
    path,
    expected: `${sizeBytes} bytes`,
    actual: `bytes from ${startByte} on`,
    bytes: 0,
  });
}
