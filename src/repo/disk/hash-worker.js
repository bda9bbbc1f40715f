// @ts-check
// The program of a worker thread: reads files and hashes them. It is JavaScript because a worker loads it directly,
// from `src` in tests, from `dist`, and from `dist/program`, where the bundler puts it beside the code that starts it.
// It imports nothing but modules of Node.js. All calls are synchronous and read 1 MiB at a time, which is twice as fast
// as asynchronous reading.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

/** @import { FileHash, HashRequest, HashTask } from './hash-pool.ts' */

const buffer = Buffer.allocUnsafeSlow(1 << 20);

/**
 * @param {HashTask} task
 * @returns {FileHash}
 */
function hashFile({ location, algorithms }) {
  let file;
  try {
    file = openSync(location, 'r');
    const { mtimeNs, ctimeNs, ino, nlink } = fstatSync(file, { bigint: true });
    const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }));
    let sizeBytes = 0;
    for (;;) {
      const bytes = readSync(file, buffer, 0, buffer.length, null);
      if (bytes === 0) break;
      sizeBytes += bytes;
      for (const { hash } of hashes) hash.update(buffer.subarray(0, bytes));
    }
    const digests = Object.fromEntries(hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')]));
    return { location, sizeBytes, mtimeNs, ctimeNs, ino, nlink, digests };
  } catch (error) {
    return { location, errorCode: error instanceof Error && 'code' in error ? String(error.code) : String(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

parentPort?.on('message', (/** @type {HashRequest} */ { id, tasks }) => {
  parentPort?.postMessage({ id, files: tasks.map(hashFile) }, []);
});
