import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lintIndex } from '../../src/api/lint.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { PROJECT } from '../support/transcript.ts';

const TEXT = readFileSync(join(PROJECT, 'fixtures/demo/setup.ini'));

/** An index on stdin whose second half never arrives. */
async function* stalled(onRead: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  yield TEXT.subarray(0, TEXT.length / 2);
  onRead();
  await new Promise<never>(() => {});
}

test('one path may be given without a list', async () => {
  const path = join(PROJECT, 'fixtures/demo/setup.ini');
  const [one, list] = [await loadCatalog(path), await loadCatalog([path])];
  expect(one.catalog.packages.size).toBeGreaterThan(0);
  expect(one.indexes).toEqual(list.indexes);
});

test.each([
  ['loadCatalog', (options: Parameters<typeof loadCatalog>[1]) => loadCatalog(['-'], options)],
  ['lintIndex', (options: Parameters<typeof loadCatalog>[1]) => lintIndex('-', options)],
])('%s stops when its signal is aborted, even while the input is silent', async (_name, read) => {
  const controller = new AbortController();
  const stdin = stalled(() => controller.abort(new Error('stopped')));
  await expect(read({ stdin, signal: controller.signal })).rejects.toThrow('stopped');
});

test('an aborted signal stops before the first index is read', async () => {
  const reason = new Error('never started');
  await expect(loadCatalog(['/nowhere/setup.ini'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
