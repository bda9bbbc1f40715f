import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { posix, win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintRecords } from '../../../src/core/setup-ini/lint.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { archivePathFaults, pathFaults } from '../../../src/core/setup-ini/paths.ts';
import { SHARED } from './support.ts';

const SHA512 = 'ab'.repeat(64);
const MD5 = '0123456789abcdef0123456789abcdef';

/** Returns the findings as `line code: message`. */
function lint(text: string): string[] {
  const { header, records } = parseText(text.replaceAll('SHA512', SHA512).replaceAll('MD5', MD5), {
    file: 'setup.ini',
  });
  const found = lintRecords(header, records);
  expect(found.every((one) => one.severity === 'warning' && one.file === 'setup.ini')).toBe(true);
  return found.map((one) => `${one.line} ${one.code}: ${one.message}`);
}

describe('lint', () => {
  test('reports nothing for an index without faults', () => {
    const clean = `@ a
version: 2-1
install: x86_64/release/a/a-2-1.tar.xz 12 SHA512
depends2: b, c (>= 1), _windows, base
[prev]
version: 1-1
install: x86_64/release/a/a-1-1.tar.xz 12 SHA512
@ b
version: 1-1
install: noarch/release/b/b.tar.xz 12 SHA512
provides: c
@ b-src
version: 1-1
source: noarch/release/b/b-src.tar.xz 12 SHA512
`;
    expect(lint(`arch: x86_64\n${clean}`)).toEqual([]);
  });

  test('an unmet requirement, once per package', () => {
    const text = `@ a
version: 2-1
install: release/a.tar 12 MD5
depends2: nosuch, b
[prev]
version: 1-1
install: release/a.tar 12 MD5
@ b
version: 1-1
source: release/b.tar 12 MD5
`;
    expect(lint(text)).toEqual([
      '2 unmet-requirement: `a 2-1` requires `nosuch`, which nothing provides',
      '2 unmet-requirement: `a 2-1` requires `b`, which nothing provides',
    ]);
  });

  test('duplicate packages and versions', () => {
    const text = `@ a
version: 1.5-1
install: release/a.tar 12 MD5
[prev]
version: 1.5-1
install: release/a.tar 12 MD5
[test]
version: 1.05-1
install: release/a.tar 12 MD5

@ a
version: 2-1
install: release/a.tar 12 MD5
`;
    expect(lint(text)).toEqual([
      '5 dangling-curr: version `1.5-1` of `a` equals `1.5-1` in line 2: setup loses the [curr] version',
      '8 duplicate-version: version `1.05-1` of `a` equals `1.5-1` in line 5',
      '11 duplicate-package: duplicate block of package `a`',
    ]);
  });

  test('a [prev] above [curr], and a package without versions', () => {
    const text =
      '@ a\nversion: 1-1\ninstall: release/a 12 MD5\n[prev]\nversion: 1.10-1\ninstall: release/a 12 MD5\n\n@ b\n';
    expect(lint(text)).toEqual([
      '5 prev-above-curr: setup prefers [prev] `1.10-1` of `a` to [curr] `1-1`',
      '8 not-installable: package `b` has no installable version',
    ]);
  });

  test('archives', () => {
    const text = `arch: x86_64
@ a
version: 1-1
install: ../a.tar 2147483648 SHA512
source: x86/release/a.tar 0 MD5
`;
    expect(lint(text)).toEqual([
      '3 hostile-path: the path `../a.tar` leaves its directory with `..`',
      '3 size-negative: setup reads the size of `../a.tar` as -2147483648, which matches no file: size ' +
        'of 2 GiB or more',
      '3 foreign-arch: `x86/release/a.tar` is not for `x86_64`',
      '3 size-zero: `x86/release/a.tar` has size 0',
      '3 weak-digest: `x86/release/a.tar` has only an md5 digest',
    ]);
  });

  test('an index with md5 digests only has no weak-digest warning', () => {
    expect(lint('@ a\nversion: 1-1\ninstall: release/a 12 MD5\n')).toEqual([]);
  });

  test('a path outside of the directories of archives, and a hidden one', () => {
    expect(lint('@ a\nversion: 1-1\ninstall: package.json 12 MD5\nsource: release/.git/config 12 MD5\n')).toEqual([
      '2 hostile-path: the path `package.json` is not below `release/` or `ARCH/release/`',
      '2 hostile-path: the path `release/.git/config` has a part that begins with a dot',
    ]);
  });

  const indexes = `${SHARED}data/setup-ini/`;
  const absent = existsSync(indexes) ? '' : ' (skipped: no real data beside the checkout)';
  test.skipIf(absent !== '')(`no real index has a refused path${absent}`, () => {
    const names = readdirSync(indexes).filter((name) => !name.startsWith('pmcyg'));
    expect(names.length).toBeGreaterThanOrEqual(8);
    for (const name of names) {
      const file = `${indexes}${name}`;
      const bytes = name.endsWith('.xz')
        ? execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 28 })
        : readFileSync(file);
      const { records } = parseText(bytes, { file: name });
      const paths = records.flatMap(({ versions }) =>
        versions.flatMap(({ install, source }) => [install?.path ?? [], source?.archive.path ?? []].flat()),
      );
      expect(paths.length).toBeGreaterThan(10);
      expect(paths.filter((path) => archivePathFaults(path).length > 0)).toEqual([]);
    }
  });

  const index = `${SHARED}data/setup-ini/2025-08-02_x86_64_setup.xz`;
  const skipped = existsSync(index) ? '' : ' (skipped: no real data beside the checkout)';
  test.skipIf(skipped !== '')(`the real index of 2025${skipped}`, () => {
    const bytes = execFileSync('xz', ['-dc', index], { maxBuffer: 2 ** 28 });
    const { header, records } = parseText(bytes, { file: 'setup.ini' });
    const found = lintRecords(header, records);
    const names = new Set(
      found.filter((one) => one.code === 'unmet-requirement').map((one) => one.message.split('`')[3]),
    );
    // Counted independently: 57 names are required and neither defined nor provided, including `_windows`.
    expect(names.size).toBe(56);
    expect([...new Set(found.map((one) => one.code))].toSorted()).toEqual(['unmet-requirement']);
  });
});

describe('pathFaults', () => {
  test.each([
    ['x86_64/release/bash/bash-5.2-1.tar.xz', []],
    ['noarch/release/gtk+/lib~x_1/a.tar', []],
    ['release/com/console.tar', []],
    ['release/...hidden/..a/a..b', []],
    ['', ['is empty']],
    ['/etc/passwd', ['is absolute']],
    ['//host/share', ['is absolute', 'has an empty part']],
    ['C:/x', ['has a drive letter', 'has a character Windows does not allow in names']],
    ['c:x', ['has a drive letter', 'has a character Windows does not allow in names']],
    ['a\\b', ['has a backslash']],
    ['a\\..\\b', ['has a backslash', 'leaves its directory with `..`']],
    ['a/../b', ['leaves its directory with `..`']],
    ['..', ['leaves its directory with `..`']],
    ['a/%2e%2E/b', ['has a character with a meaning in a URL', 'leaves its directory with `..`']],
    ['./a', ['has a `.` part']],
    ['a//b', ['has an empty part']],
    ['a/', ['has an empty part']],
    ['a\nb', ['has a control character']],
    ['a\u202eb', ['has a control character']],
    ['ab:stream', ['has a character Windows does not allow in names']],
    ['a?b', ['has a character Windows does not allow in names', 'has a character with a meaning in a URL']],
    ['a#b', ['has a character with a meaning in a URL']],
    ['a./b', ['has a part with a dot or a blank at its edge']],
    ['.. /b', ['has a part with a dot or a blank at its edge']],
    ['a /b', ['has a part with a dot or a blank at its edge']],
    ['.../b', ['has a part with a dot or a blank at its edge']],
    ['a/con', ['has the name of a Windows device']],
    ['a/NUL.tar.xz', ['has the name of a Windows device']],
    ['a/lpt1 .txt', ['has the name of a Windows device']],
    [' a', ['has a part with a dot or a blank at its edge']],
    ['aux/b', ['has the name of a Windows device']],
  ])('%j', (text, faults) => {
    expect(pathFaults(text)).toEqual(faults);
  });

  test('the shortcut for usual paths finds the same faults', () => {
    const part = fc.constantFrom(
      'a',
      '..',
      '.',
      '',
      '%2e',
      'C:',
      '\\',
      'b.tar',
      'a.',
      '.a',
      'a..b',
      'con',
      'xcon',
      'NUL.tar',
      'com1',
      'lpt1.x.y',
      'clock$',
      'a~+-_',
      'aux-1',
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.constantFrom('/', ''), (parts, glue) => {
        const text = parts.join(glue);
        fc.pre(text !== '' && !text.endsWith('/'));
        // A blank inside a part is allowed but not plain.
        expect(pathFaults(text)).toEqual(pathFaults(`${text}/x y`));
      }),
      { numRuns: 3000 },
    );
  });

  test('a path without faults stays below its directory on every system and in a URL', () => {
    const part = fc.constantFrom(
      'a',
      '..',
      '.',
      '',
      '%2e',
      '%2e%2e',
      'C:',
      '\\',
      ' ',
      '. .',
      '.. ',
      'b.tar',
      '?',
      '#',
      '..\\..',
      '\t..',
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.constantFrom('/', ''), (parts, glue) => {
        const text = parts.join(glue);
        if (pathFaults(text).length > 0) return;
        expect(posix.join('/repo', text)).toBe(`/repo/${text}`);
        expect(win32.join('C:\\repo', text)).toBe(`C:\\repo\\${text.replaceAll('/', '\\')}`);
        expect(new URL(text, 'https://host/repo/').href).toBe(`https://host/repo/${text.replaceAll(' ', '%20')}`);
      }),
      { numRuns: 3000 },
    );
  });
});
