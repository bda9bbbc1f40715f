import { describe, expect, test } from 'vitest';
import { CygstrapError } from '../../../src/errors.ts';
import { checkLock, differenceText } from '../../../src/core/lock/check.ts';
import { diffLocks, isSameAnswer } from '../../../src/core/lock/diff.ts';
import { lockedFiles, newFiles } from '../../../src/core/lock/files.ts';
import { keepVersions } from '../../../src/core/lock/keep.ts';
import { lockOf, lockRequestOf } from '../../../src/core/lock/make.ts';
import { byteOrder } from '../../../src/core/version/byte-order.ts';
import { parseLock } from '../../../src/core/lock/parse.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import type { Plan } from '../../../src/core/resolve/plan.ts';
import { catalogOf, hex, lock, pkg, REQUEST } from './support.ts';

const SAMPLE = lock(
  [
    pkg('zlib', '1.3-1'),
    pkg('bash', '5.2-1', {
      source: {
        name: 'bash-src',
        version: '5.2-1',
        path: 'x86_64/release/bash/bash-5.2-1-src.tar.xz',
        size: 7,
        md5: hex('s', 32),
      },
    }),
    pkg('gcc-g++', '11.2-1'),
  ],
  { packages: ['bash', 'gcc-g++'] },
);
const TEXT = printLock(SAMPLE);

test('the text of a lock', async () => {
  await expect(TEXT).toMatchFileSnapshot('../../../fixtures/lock/sample.lock.json');
});

describe('printing and parsing', () => {
  test('give the same lock again, packages by name', () => {
    const parsed = parseLock(TEXT, 'x');
    expect(parsed).toEqual({ ...SAMPLE, packages: [...SAMPLE.packages].sort((a, b) => byteOrder(a.name, b.name)) });
    expect(printLock(parsed)).toBe(TEXT);
  });

  test('are the same for CR LF, a byte order mark, other indents and another order', () => {
    const expected = parseLock(TEXT, 'x');
    expect(parseLock(`\ufeff${TEXT.replaceAll('\n', '\r\n')}`, 'x')).toEqual(expected);
    const value = JSON.parse(TEXT) as { packages: unknown[] };
    const shuffled = Object.fromEntries(
      Object.entries({ ...value, packages: value.packages.toReversed() }).toReversed(),
    );
    expect(parseLock(JSON.stringify(shuffled), 'x')).toEqual(expected);
    expect(printLock(parseLock(JSON.stringify(shuffled), 'x'))).toBe(TEXT);
  });

  test('one package more is a few lines more, and no other changes', () => {
    const more = printLock({ ...SAMPLE, packages: [...SAMPLE.packages, pkg('curl', '8.1-1')] });
    const lines = new Set(TEXT.split('\n'));
    const added = more.split('\n').filter((line) => !lines.has(line));
    expect(added.length).toBeLessThanOrEqual(5);
    expect(TEXT.split('\n').filter((line) => !more.split('\n').includes(line))).toEqual([]);
  });

  test('hold no address and no time of day', () => {
    expect(TEXT).not.toMatch(/:\/\/|\d\d:\d\d/);
  });
});

describe('an invalid lock', () => {
  const change = (path: readonly (string | number)[], value: unknown): string => {
    const root = JSON.parse(TEXT) as Record<string | number, unknown>;
    let at = root;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
    const last = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(at, last);
    else at[last] = value;
    return JSON.stringify(root, undefined, 2);
  };
  const first = ['packages', 0] as const;
  test.each<[string, readonly (string | number)[], unknown, string]>([
    ['a newer schema', ['schema'], 2, ':2: `schema` is 2, but this version reads only 1'],
    ['a schema as text', ['schema'], '1', ':2: `schema` is "1"'],
    ['no schema', ['schema'], undefined, ':1: has no field `schema`'],
    [
      'a field of its own',
      ['note'],
      'x',
      '`note` is an unknown field; valid fields: schema, resolver, request, indexes, packages',
    ],
    ['a package field of its own', [...first, 'url'], 'http://x', '`packages[0].url` is an unknown field'],
    ['no packages', ['packages'], undefined, 'has no field `packages`'],
    ['packages that are no list', ['packages'], {}, '`packages` must be a list, not an object'],
    ['a package without size', [...first, 'size'], undefined, ':27: `packages[0]` has no field `size`'],
    ['a negative size', [...first, 'size'], -1, '`packages[0].size` must be a whole number from 0 on, not -1'],
    ['a size with a fraction', [...first, 'size'], 1.5, '`packages[0].size` must be'],
    ['a size beyond what numbers hold', [...first, 'size'], 2 ** 60, '`packages[0].size` must be'],
    ['a short digest', [...first, 'sha512'], hex('x', 127), '`packages[0].sha512` must be a SHA-512 of 128'],
    ['an upper-case digest', [...first, 'sha512'], hex('x').toUpperCase(), '`packages[0].sha512` must be'],
    ['two digests', [...first, 'md5'], hex('x', 32), '`packages[0]` has two digests'],
    [
      'a path out of the repo',
      [...first, 'path'],
      '../../etc/passwd',
      '`packages[0].path` is refused: the path `../../etc/passwd` leaves its directory',
    ],
    ['an absolute path', [...first, 'path'], '/etc/passwd', 'is absolute'],
    ['a path with a drive', [...first, 'path'], 'C:/x', 'drive letter'],
    ['a path of a device', [...first, 'path'], 'x86_64/nul.tar.xz', 'Windows device'],
    ['a path in the source', [...first, 'source', 'path'], 'a\\b', '`packages[0].source.path` is refused'],
    ['a name twice', ['packages', 1, 'name'], 'bash', '`packages[1]` repeats `bash`'],
    [
      'a name with a newline',
      [...first, 'name'],
      'a\nb',
      '`packages[0].name` must be some text without control characters',
    ],
    ['an empty version', [...first, 'version'], '', '`packages[0].version` must be'],
    ['an index that is not there', [...first, 'index'], 1, '`packages[0]` is from index 1, but the lock has 1'],
    ['an index without digest', ['indexes', 0, 'sha512'], null, '`indexes[0].sha512` must be'],
    [
      'a signer in lower case',
      ['indexes', 0, 'signer'],
      hex('x', 40),
      '`indexes[0].signer` must be `unsigned` or a fingerprint',
    ],
    ['a package asked for twice', ['request', 'packages'], ['a', 'a'], '`request.packages[1]` repeats `a`'],
    ['a flag as text', ['request', 'base'], 'yes', '`request.base` must be true or false, not "yes"'],
    ['no Windows', ['request', 'windows'], 'eleven', '`request.windows` must be a version of Windows'],
    ['an architecture with a slash', ['request', 'arch'], '../x', '`request.arch` must be an architecture'],
  ])('%s', (_name, path, value, message) => {
    expect(() => parseLock(change(path, value), 'my.lock.json')).toThrow(
      expect.objectContaining({
        code: 'lock',
        message: expect.stringContaining(message),
        hint: expect.stringContaining('cygstrap lock'),
      }) as Error,
    );
  });

  test('one path with two contents; sources may be shared', () => {
    const source = { name: 's', version: '1', path: 'x86_64/release/s/s-1-src.tar.xz', size: 5, sha512: hex('s') };
    const shared = lock([pkg('a', '1', { source }), pkg('b', '1', { source })]);
    expect(parseLock(printLock(shared), 'x')).toEqual(shared);
    const torn = lock([pkg('a', '1', { source }), pkg('b', '1', { source: { ...source, size: 6 } })]);
    expect(() => parseLock(printLock(torn), 'x')).toThrow(
      'x:39: `packages[1]` has another size or digest for `x86_64/release/s/s-1-src.tar.xz` than a package before it',
    );
  });

  test('a duplicate key, as a merge can leave it', () => {
    const text = TEXT.replace('"version": "1.3-1",', '"version": "1.3-1",\n      "version": "1.3-2",');
    expect(() => parseLock(text, 'x')).toThrow('`packages[2].version` is a duplicate key');
  });

  test('the marks of a merge are named as that', () => {
    const text = TEXT.replace(
      '      "version": "1.3-1",',
      '<<<<<<< ours\n      "version": "1.3-1",\n=======\n      "version": "1.3-2",\n>>>>>>> theirs',
    );
    expect(() => parseLock(text, 'x')).toThrow(
      expect.objectContaining({
        code: 'lock',
        message: expect.stringMatching(/^x:\d+: expected a key/),
        hint: expect.stringContaining('merge'),
      }) as Error,
    );
  });

  test('no prefix of a lock is one', () => {
    for (let end = 0; end < TEXT.trimEnd().length; end += 7)
      expect(() => parseLock(TEXT.slice(0, end), 'x')).toThrow(CygstrapError);
  });
});

describe('checking a lock against a request', () => {
  test('finds nothing for the same, in any order', () => {
    expect(checkLock(SAMPLE, { ...REQUEST, packages: ['gcc-g++', 'bash', 'bash'] })).toEqual([]);
  });

  test('finds each difference, in the order of the fields', () => {
    const asked = {
      ...REQUEST,
      packages: ['bash', 'vim=9.1-1'],
      categories: ['Devel'],
      buildDepends: ['git'],
      base: false,
      source: true,
      windows: '6.3.9600',
      arch: 'x86',
    };
    const differences = checkLock(SAMPLE, asked);
    expect(differences.map(differenceText)).toEqual([
      'package `vim=9.1-1`: asked for, and not in the request of the lock',
      'package `gcc-g++`: in the request of the lock, and not asked for',
      'category `Devel`: asked for, and not in the request of the lock',
      'build dependencies of `git`: asked for, and not in the request of the lock',
      'base: `false` is asked for, and the lock was made for `true`',
      'source: `true` is asked for, and the lock was made for `false`',
      'windows: `6.3.9600` is asked for, and the lock was made for `10.0.19045`',
      'arch: `x86` is asked for, and the lock was made for `x86_64`',
    ]);
  });
});

describe('comparing locks', () => {
  test('finds what came, went and changed, and the bytes of it', () => {
    const before = lock([
      pkg('a', '1-1'),
      pkg('b', '2-1'),
      pkg('c', '1.0'),
      pkg('d', '1'),
      pkg('e', '1'),
      pkg('same', '1'),
    ]);
    const after = lock([
      pkg('a', '1-2', { size: 10 }),
      pkg('b', '1-1', { size: 20 }),
      pkg('c', '1.00', { size: 30 }),
      pkg('e', '1', { sha512: hex('other'), size: 40 }),
      pkg('f', '1', { size: 50 }),
      pkg('same', '1'),
    ]);
    const difference = diffLocks(before, after);
    expect(difference).toEqual({
      added: [{ name: 'f', version: '1' }],
      removed: [{ name: 'd', version: '1' }],
      changed: [
        { name: 'a', from: '1-1', to: '1-2', direction: 'upgrade' },
        { name: 'b', from: '2-1', to: '1-1', direction: 'downgrade' },
        { name: 'c', from: '1.0', to: '1.00', direction: 'rebuild' },
        { name: 'e', from: '1', to: '1', direction: 'replaced' },
      ],
      downloadBytes: 150,
      obsoleteBytes: 500,
    });
    expect(isSameAnswer(difference)).toBe(false);
    expect(isSameAnswer(diffLocks(before, { ...before, resolver: 'other' }))).toBe(true);
  });

  test('counts a shared source once, and sources that came alone', () => {
    const source = { name: 's', version: '1', path: 'x86_64/release/s/s-1-src.tar.xz', size: 5, sha512: hex('s') };
    const before = lock([pkg('a', '1'), pkg('b', '1')]);
    const after = lock([pkg('a', '1', { source }), pkg('b', '1', { source })]);
    expect(lockedFiles(after).map(({ path }) => path)).toEqual([
      'x86_64/release/a/a-1.tar.xz',
      'x86_64/release/b/b-1.tar.xz',
      source.path,
    ]);
    expect(newFiles(before, after)).toEqual([{ path: source.path, size: 5, sha512: source.sha512 }]);
    expect(diffLocks(before, after)).toMatchObject({ added: [], removed: [], changed: [], downloadBytes: 5 });
  });
});

test('keeping versions pins all but what may move', () => {
  const kept = keepVersions({ packages: SAMPLE.packages, request: { packages: ['zlib=1.2-1', 'bash'] } }, ['gcc-g++']);
  expect(kept).toEqual([{ name: 'bash', version: '5.2-1' }]);
});

test('the order is that of bytes, whatever the text', () => {
  const texts = ['', 'B', '_', 'a', 'a-b', 'aa', '\u007f', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}'];
  const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
  for (const a of texts)
    for (const b of texts)
      expect(Math.sign(byteOrder(a, b)), `${a} ${b}`).toBe(Math.sign(Buffer.compare(bytes(a), bytes(b))));
});

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
