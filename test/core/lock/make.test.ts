import { describe, expect, test } from 'vitest';
import { lockOf, lockRequestOf } from '../../../src/core/lock/make.ts';
import { parseLock } from '../../../src/core/lock/parse.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import type { Plan } from '../../../src/core/resolve/plan.ts';
import { catalogOf, lock, REQUEST } from './support.ts';

describe('making a lock', () => {
  const loaded = catalogOf('b 1.0 requires a\na 2.0\nc 3.0 category Base');
  const planOf = (packages: string[]): Plan => {
    const result = resolve(loaded.catalog, { ...EMPTY_REQUEST, packages });
    if (result.kind === 'conflict') throw new Error('no plan');
    return result.plan;
  };
  const parts = {
    indexes: lock([]).indexes,
    request: lockRequestOf(EMPTY_REQUEST, 'x86_64'),
    resolver: 'cygstrap 0.1.0',
  };

  test('sorts packages and the request', () => {
    expect(lockOf(planOf(['b']), parts).packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'a 2.0',
      'b 1.0',
      'c 3.0',
    ]);
    expect(lockRequestOf({ ...EMPTY_REQUEST, packages: ['b', 'a', 'b'], categories: ['X', 'A'] }, 'x86')).toEqual({
      ...REQUEST,
      packages: ['a', 'b'],
      categories: ['A', 'X'],
      arch: 'x86',
    });
  });

  test.each([
    ['a hostile path', { path: 'x/../../y' }, 'leaves its directory'],
    ['a negative size', { sizeBytes: -5 }, 'its size is -5'],
    ['no digest', { sha512: undefined }, 'gives no digest'],
  ])('refuses %s', (_name, change, message) => {
    const plan = planOf(['b']);
    const packages = plan.packages.map((each) => ({
      ...each,
      archive: { ...each.archive, ...change } as typeof each.archive,
    }));
    expect(() => lockOf({ ...plan, packages }, parts)).toThrow(
      expect.objectContaining({ code: 'lock', message: expect.stringContaining(message) }) as Error,
    );
  });

  test('locks by size alone only when allowed', () => {
    const plan = planOf(['b']);
    const packages = plan.packages.map((each) => ({ ...each, archive: { path: each.archive.path, sizeBytes: 5 } }));
    const made = lockOf({ ...plan, packages }, { ...parts, allowUndigested: true });
    expect(made.packages[0]).toEqual({
      name: 'a',
      version: '2.0',
      index: 0,
      path: 'x86_64/release/a/a-2.0.tar.xz',
      size: 5,
    });
    expect(parseLock(printLock(made), 'x')).toEqual(made);
  });

  test('refuses the update of an installation', () => {
    const plan = planOf(['b']);
    const installed = [{ name: 'a', version: '1', picked: true }];
    expect(() => lockOf({ ...plan, request: { ...plan.request, installed } }, parts)).toThrow(
      'cannot lock an update of an installed Cygwin',
    );
  });
});
