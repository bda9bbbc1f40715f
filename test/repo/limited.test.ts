import { expect, test } from 'vitest';
import { limited } from '../../src/repo/disk/limited.ts';
import { parseRepoPath } from '../../src/repo/files/path.ts';

const CHUNK_BYTES = 1 << 20;
const CHUNKS = 400;

test('a chunk that was passed on is not kept, however long the signal lives', async () => {
  const file = { path: parseRepoPath('x86_64/release/a.tar.xz'), sizeBytes: CHUNKS * CHUNK_BYTES, digest: undefined };
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let i = 0; i < CHUNKS; i++) yield new Uint8Array(CHUNK_BYTES);
  }
  let passed = 0;
  let peakBytes = 0;
  for await (const chunk of limited({ startByte: 0, validator: undefined, chunks: chunks() }, file, file.sizeBytes, {
    signal: new AbortController().signal,
  })) {
    passed += chunk.length;
    // Gives the collector its turns, as the network does.
    await new Promise((resolve) => setImmediate(resolve));
    peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
  }
  expect(passed).toBe(file.sizeBytes);
  expect(peakBytes).toBeLessThan((CHUNKS * CHUNK_BYTES) / 2);
});
