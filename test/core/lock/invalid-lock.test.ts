import { describe, expect, test } from 'vitest';
import { CygstrapError } from '../../../src/errors.ts';
import { parseLock } from '../../../src/core/lock/parse.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { hex, lock, pkg, TEXT } from './support.ts';

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
