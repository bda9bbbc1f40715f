import { expect, test, vi } from 'vitest';
import { YoungCollector } from '../../src/cli/v8.ts';

const CHUNK_BYTES = 64 * 1024;

test('buffers that transfers have left are freed before V8 would look for them', async () => {
  const young = new YoungCollector();
  const before = process.memoryUsage().arrayBuffers;
  let mostBytes = 0;
  for (let received = 0; received < 256 << 20; received += CHUNK_BYTES) {
    // What a socket does.
    young.receive(new Uint8Array(CHUNK_BYTES).length);
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
  }
  expect(mostBytes).toBeLessThan(26 << 20);
  await vi.waitFor(() => expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20));
});
