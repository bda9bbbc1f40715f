/** Reads a stream to its end. Returns undefined, and closes the stream, if it has more than `limitBytes`. Throws
 *  the errors of the stream. */
export async function readLimited(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
