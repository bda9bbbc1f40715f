import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeLock, updateLock } from '../../../src/api/lock.ts';
import type { LoadedCatalog } from '../../../src/api/load-catalog.ts';
import type { Event } from '../../../src/events.ts';
import { diffLocks, isSameAnswer } from '../../../src/core/lock/diff.ts';
import type { Lock } from '../../../src/core/lock/lock.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import type { ResolveRequest } from '../../../src/core/resolve/plan.ts';
import { SEED } from '../../support/seed.ts';
import { catalogOf } from './support.ts';

const events: Event[] = [];
const options = { resolver: 'cygstrap 0.1.0', report: (event: Event) => events.push(event) };

async function made(loaded: LoadedCatalog, request: ResolveRequest): Promise<Lock> {
  const result = await makeLock(loaded, request, options);
  if (result.kind === 'conflict') throw new Error(result.conflicts.map(({ message }) => message).join());
  return result.lock;
}

async function updated(
  loaded: LoadedCatalog,
  request: ResolveRequest,
  before: Lock,
  names: readonly string[],
): Promise<Lock> {
  const result = await updateLock(loaded, request, { before, names }, options);
  if (result.kind === 'conflict') throw new Error(result.conflicts.map(({ message }) => message).join());
  return result.lock;
}

const versions = ({ packages }: Lock): string[] => packages.map(({ name, version }) => `${name} ${version}`);
const ask = (...packages: string[]): ResolveRequest => ({ ...EMPTY_REQUEST, packages });

/** A new index lists what the old one did as `[prev]`. */
const OLD = `
  app 1.0 requires lib
  tool 1.0 requires lib, helper
  helper 1.0
  lib 1.0
  core 1.0 category Base
`;
const NEW = `
  app 2.0 requires lib (>= 2.0), extra
  app 1.0 [prev] requires lib
  tool 2.0 requires lib
  tool 1.0 [prev] requires lib, helper
  helper 2.0
  helper 1.0 [prev]
  lib 2.0
  lib 1.0 [prev]
  extra 1.0
  core 2.0 category Base
  core 1.0 [prev] category Base
`;

describe('an update', async () => {
  const before = await made(catalogOf(OLD), ask('app', 'tool'));

  test('of nothing in particular moves everything', async () => {
    expect(versions(await updated(catalogOf(NEW), ask('app', 'tool'), before, []))).toEqual([
      'app 2.0',
      'core 2.0',
      'extra 1.0',
      'lib 2.0',
      'tool 2.0',
    ]);
  });

  test('of one package moves it alone', async () => {
    expect(versions(await updated(catalogOf(NEW), ask('app', 'tool'), before, ['lib']))).toEqual([
      'app 1.0',
      'core 1.0',
      'helper 1.0',
      'lib 2.0',
      'tool 1.0',
    ]);
    expect(versions(await updated(catalogOf(NEW), ask('app', 'tool'), before, ['core']))).toEqual([
      'app 1.0',
      'core 2.0',
      'helper 1.0',
      'lib 1.0',
      'tool 1.0',
    ]);
  });

  test('updates only what must change with it', async () => {
    events.length = 0;
    expect(versions(await updated(catalogOf(NEW), ask('app', 'tool'), before, ['app']))).toEqual([
      'app 2.0',
      'core 1.0',
      'extra 1.0',
      'helper 1.0',
      'lib 2.0',
      'tool 1.0',
    ]);
    expect(events).toContainEqual({ kind: 'note', message: 'also updated or removed: `lib=1.0`' });
  });

  test('drops what nothing needs any more', async () => {
    expect(versions(await updated(catalogOf(NEW), ask('app', 'tool'), before, ['tool']))).toEqual([
      'app 1.0',
      'core 1.0',
      'lib 1.0',
      'tool 2.0',
    ]);
  });

  test('follows a request that has changed meanwhile', async () => {
    expect(versions(await updated(catalogOf(NEW), ask('app'), before, ['core']))).toEqual([
      'app 1.0',
      'core 2.0',
      'lib 1.0',
    ]);
    expect(versions(await updated(catalogOf(NEW), ask('app', 'extra'), before, ['extra']))).toEqual([
      'app 1.0',
      'core 1.0',
      'extra 1.0',
      'lib 1.0',
    ]);
    expect(versions(await updated(catalogOf(NEW), ask('app=2.0'), before, ['core']))).toEqual([
      'app 2.0',
      'core 2.0',
      'extra 1.0',
      'lib 2.0',
    ]);
  });

  test('continues where the index has lost a version, with a warning', async () => {
    events.length = 0;
    const rotated = NEW.replace('lib 1.0 [prev]', '').replace('core 1.0 [prev] category Base', '');
    expect(versions(await updated(catalogOf(rotated), ask('app', 'tool'), before, ['helper']))).toEqual([
      'app 1.0',
      'core 2.0',
      'helper 2.0',
      'lib 2.0',
      'tool 1.0',
    ]);
    expect(events).toContainEqual({ kind: 'warning', message: 'no longer in the index: `core=1.0`, `lib=1.0`' });
  });

  test('lets no pin keep out a member of a category', async () => {
    const request = { ...EMPTY_REQUEST, categories: ['Fun'] };
    const lock = await made(catalogOf('game 1.0 requires lib category Fun\nlib 1.0'), request);
    const fresh = catalogOf(
      'game 1.0 requires lib category Fun\nlib 2.0\nlib 1.0 [prev]\npuzzle 1.0 requires lib (>= 2.0) ' +
        'category Fun\nother 1.0 category Fun',
    );
    expect(versions(await updated(fresh, request, lock, ['other']))).toEqual([
      'game 1.0',
      'lib 2.0',
      'other 1.0',
      'puzzle 1.0',
    ]);
  });

  test('of an unknown package is refused', async () => {
    for (const [name, hint] of [
      ['ap', 'did you mean `app`?'],
      ['spell', 'add a package with `cygstrap add NAME`, or without a project file name all in `cygstrap lock`'],
    ] as const)
      await expect(updated(catalogOf(NEW), ask('app'), before, [name])).rejects.toThrow(
        expect.objectContaining({
          code: 'lock',
          message: `neither in the lock nor required by the request: \`${name}\``,
          hint,
        }) as Error,
      );
  });

  test('of a request that has no answer is a conflict', async () => {
    expect(await updateLock(catalogOf(NEW), ask('gone'), { before, names: ['app'] }, options)).toMatchObject({
      kind: 'conflict',
    });
  });

  test('of an index of another architecture is refused', async () => {
    await expect(makeLock(catalogOf(NEW), ask('app'), { ...options, arch: 'x86' })).rejects.toThrow(
      'an index is for x86_64, not for x86',
    );
  });
});

test('a lock names who signed its indexes', async () => {
  const result = await makeLock({ ...catalogOf(OLD), signers: ['A'.repeat(40)] }, ask('app'), options);
  expect(result).toMatchObject({
    lock: { indexes: [{ release: 'demo', arch: 'x86_64', timestamp: 1_700_000_000, signer: 'A'.repeat(40) }] },
  });
});

/** Two states of a small index: the second may have newer versions, and lists the old ones as prev unless it lost them.
 */
const states = fc
  .array(
    fc.record({
      needs: fc.array(fc.record({ on: fc.nat(5), isNew: fc.boolean() }), { maxLength: 2 }),
      isBase: fc.boolean(),
      fate: fc.constantFrom('same', 'new', 'rotated'),
    }),
    { minLength: 3, maxLength: 6 },
  )
  .map((packages) => {
    const line = (i: number, version: string, label: string, needs: string[], isBase: boolean): string =>
      `p${i} ${version}${label}${needs.length === 0 ? '' : ` requires ${needs.join(', ')}`}` +
      (isBase ? ' category Base' : '');
    const needsOf = ({ needs }: (typeof packages)[number], isNew: boolean): string[] =>
      [...new Map(needs.filter(({ on }) => on < packages.length).map((need) => [need.on, need])).values()].map(
        ({ on, isNew: wantsNew }) =>
          isNew && wantsNew && packages[on]?.fate !== 'same' ? `p${on} (>= 2.0)` : `p${on}`,
      );
    const old = packages.map((each, i) => line(i, '1.0', '', needsOf(each, false), each.isBase));
    const fresh = packages.flatMap((each, i) => {
      if (each.fate === 'same') return [line(i, '1.0', '', needsOf(each, false), each.isBase)];
      const now = line(i, '2.0', '', needsOf(each, true), each.isBase);
      return each.fate === 'rotated' ? [now] : [now, line(i, '1.0', ' [prev]', needsOf(each, false), each.isBase)];
    });
    return { old: old.join('\n'), fresh: fresh.join('\n'), count: packages.length };
  });

test('for random indexes: an update fulfills the request and changes nothing without need', async () => {
  await fc.assert(
    fc.asyncProperty(states, fc.nat(5), fc.nat(5), async ({ old, fresh, count }, asked, moving) => {
      const request = ask(`p${asked % count}`);
      const before = await made(catalogOf(old), request);
      const name = before.packages[moving % Math.max(1, before.packages.length)]?.name ?? 'p0';
      const loaded = catalogOf(fresh);
      const after = await updated(loaded, request, before, [name]);
      // It is what its own versions give: complete, and nothing in it is too much.
      const exact = resolve(loaded.catalog, {
        ...request,
        packages: [...request.packages, ...after.packages.map((each) => `${each.name}=${each.version}`)],
      });
      expect(exact.kind === 'plan' && exact.plan.packages.map((each) => `${each.name} ${each.version}`).sort()).toEqual(
        versions(after),
      );
      const target = (await made(loaded, request)).packages.find((each) => each.name === name);
      const found = after.packages.find((each) => each.name === name);
      if (target !== undefined && found !== undefined) expect(found.version).toBe(target.version);
      // Every other package that moved could not have stayed: with it pinned and the rest as it is, there is no plan.
      for (const { name: other, from } of diffLocks(before, after).changed) {
        if (other === name) continue;
        const pinned = after.packages.map((each) => `${each.name}=${each.name === other ? from : each.version}`);
        expect(
          resolve(loaded.catalog, { ...request, base: false, packages: pinned }).kind,
          `${other} could have stayed at ${from}`,
        ).toBe('conflict');
      }
    }),
    { seed: SEED, numRuns: 400 },
  );
});

test('an update from the same index changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(states, fc.nat(5), async ({ fresh, count }, asked) => {
      const request = ask(`p${asked % count}`);
      const loaded = catalogOf(fresh);
      const before = await made(loaded, request);
      for (const names of [[], ...before.packages.map(({ name }) => [name])])
        expect(isSameAnswer(diffLocks(before, await updated(loaded, request, before, names)))).toBe(true);
    }),
    { seed: SEED, numRuns: 100 },
  );
});
