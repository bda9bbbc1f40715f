import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveRequest } from '../../src/api/answer.ts';
import type { ResolveContext } from '../../src/api/answer.ts';
import { resolveBatch } from '../../src/api/batch.ts';
import { comparePlans } from '../../src/api/diff.ts';
import { fetchRepo } from '../../src/api/fetch.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import type { LoadedCatalog } from '../../src/api/load-catalog.ts';
import { makeLock, updateLock } from '../../src/api/lock.ts';
import { explainPackage } from '../../src/api/why.ts';
import { EMPTY_REQUEST } from '../../src/core/resolve/request.ts';
import { clausePackages, indexText, randomClauses, randomFrom } from '../support/universe.ts';

let dir: string;
let loaded: LoadedCatalog;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-abort-'));
  mkdirSync(join(dir, 'site/x86_64'), { recursive: true });
  const index = join(dir, 'site/x86_64/setup.ini');
  writeFileSync(index, indexText(clausePackages(200, randomClauses(200, 852, randomFrom(1)))));
  loaded = await loadCatalog(index);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A request whose plan is not found within days. */
const HARD = { packages: ['all'], base: false };

async function lastOf(answers: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const answer of answers) last = answer;
  return last;
}

/** Every operation of the library that resolves a request. */
const OPERATIONS: Record<string, (context: ResolveContext & { readonly signal: AbortSignal }) => Promise<unknown>> = {
  resolveRequest: (context) => resolveRequest(loaded, HARD, context),
  resolveBatch: (context) => {
    const lines = (async function* () {
      yield Buffer.from(JSON.stringify(HARD));
    })();
    return lastOf(resolveBatch(loaded, lines, EMPTY_REQUEST, context));
  },
  explainPackage: (context) => explainPackage(loaded, HARD, 'all', context),
  comparePlans: (context) => comparePlans(loaded, loaded, HARD, context),
  makeLock: (context) => makeLock(loaded, HARD, context),
  updateLock: async (context) => {
    const made = await makeLock(loaded, { packages: ['t0'], base: false });
    if (made.kind !== 'lock') throw new Error('expected a lock');
    return updateLock(loaded, HARD, { before: made.lock, names: ['t0'] }, context);
  },
  fetchRepo: ({ signal, solverLimit }) =>
    fetchRepo(
      {
        repo: join(dir, 'repo'),
        lock: join(dir, 'lock.json'),
        sites: [join(dir, 'site')],
        unsigned: true,
        ...HARD,
        solverLimit,
      },
      { signal },
    ),
};

describe.each(Object.entries(OPERATIONS))('%s', (_, operation) => {
  test('rejects with the reason of its signal during a search', async () => {
    const controller = new AbortController();
    const reason = new Error('no longer needed');
    setTimeout(() => controller.abort(reason), 300);
    await expect(operation({ signal: controller.signal, solverLimit: Infinity })).rejects.toBe(reason);
  });

  test('does nothing when its signal is already aborted', async () => {
    const reason = new Error('never needed');
    await expect(operation({ signal: AbortSignal.abort(reason), solverLimit: Infinity })).rejects.toBe(reason);
  });
});

test('an empty batch that waits for its next line ends when its signal is aborted', async () => {
  const controller = new AbortController();
  const silent = (async function* (): AsyncGenerator<Uint8Array> {
    await new Promise(() => {});
    yield Buffer.alloc(0);
  })();
  const reading = lastOf(resolveBatch(loaded, silent, EMPTY_REQUEST, { signal: controller.signal }));
  controller.abort(new Error('stopped'));
  await expect(reading).rejects.toThrow('stopped');
});
