import { describe, expect, test } from 'vitest';
import { checkLock, differenceText } from '../../../src/core/lock/check.ts';
import { diffLocks, isSameAnswer } from '../../../src/core/lock/diff.ts';
import { lockedFiles, newFiles } from '../../../src/core/lock/files.ts';
import { keepVersions } from '../../../src/core/lock/keep.ts';
import { byteOrder } from '../../../src/core/version/byte-order.ts';
import { parseLock } from '../../../src/core/lock/parse.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { hex, lock, pkg, REQUEST, SAMPLE, TEXT } from './support.ts';

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
