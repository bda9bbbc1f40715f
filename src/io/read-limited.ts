import { ByteBuffer } from './byte-buffer.ts';

/** Reads a stream to its end. Returns undefined, and closes the stream, if it has more than `limitBytes`. Throws
 *  the errors of the stream. */
export async function readLimited(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  const gathered = new ByteBuffer();
  for await (const chunk of chunks) {
    if (gathered.sizeBytes + chunk.length > limitBytes) return undefined;
    gathered.add(chunk);
  }
  return gathered.take();
}
