import { join } from 'node:path';
import { array, assert, asyncProperty, boolean, constantFrom, record, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { makeLock } from '../../src/api/lock.ts';
import { parseLock } from '../../src/core/lock/parse.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { CygstrapError } from '../../src/errors.ts';
import type { Event } from '../../src/events.ts';
import { SEED } from '../support/seed.ts';
import { PROJECT } from '../support/transcript.ts';

const INDEX = join(PROJECT, 'fixtures/demo/setup.ini');

describe('makeLock refuses what parseLock would refuse', () => {
  test('a catalog that was loaded without digests', async () => {
    const loaded = await loadCatalog(INDEX, { digest: false });
    await expect(makeLock(loaded, { packages: ['curl'] })).rejects.toThrow(
      expect.objectContaining({ code: 'usage', hint: 'load the catalog without `digest: false`' }),
    );
  });

  test.each(['', 'a\nb'])('the resolver %j', async (resolver) => {
    const loaded = await loadCatalog(INDEX);
    await expect(makeLock(loaded, { packages: ['curl'] }, { resolver })).rejects.toThrow(
      expect.objectContaining({ code: 'usage', hint: 'pass a program and its version as `resolver`' }),
    );
  });
});

test('every lock that makeLock returns can be printed and parsed', async () => {
  const loaded = await loadCatalog(INDEX);
  const requests = record({
    packages: array(constantFrom('curl', 'vim', 'libintl8', 'vim=9.0.2155-1'), { maxLength: 3 }),
    base: boolean(),
    test: boolean(),
    source: boolean(),
    windows: constantFrom('10.0.19045', '6.3.9600', '6.3'),
  });
  await assert(
    asyncProperty(
      requests,
      string(),
      constantFrom('unsigned', 'A'.repeat(40), 'x'),
      async (request, resolver, signer) => {
        try {
          const made = await makeLock({ ...loaded, signers: [signer] }, request, { resolver });
          if (made.kind === 'lock') expect(parseLock(printLock(made.lock), 'x.lock.json')).toEqual(made.lock);
        } catch (error) {
          expect(error).toBeInstanceOf(CygstrapError);
        }
      },
    ),
    { seed: SEED, numRuns: 200 },
  );
});

test('a lock of previous or test versions is made with a warning', async () => {
  const loaded = await loadCatalog(INDEX);
  const warnings: string[] = [];
  const report = (event: Event): void => {
    if (event.kind === 'warning') warnings.push(event.message);
  };
  await makeLock(loaded, { packages: ['vim'], base: false }, { report });
  expect(warnings).toEqual([]);
  await makeLock(loaded, { packages: ['vim=9.0.2155-1'], base: false }, { report });
  expect(warnings).toEqual([expect.stringContaining('may not find `vim 9.0.2155-1` [prev]: keep the repo')]);
});
