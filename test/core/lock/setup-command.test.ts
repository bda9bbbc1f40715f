import { describe, expect, test } from 'vitest';
import type { LockRequest } from '../../../src/core/lock/lock.ts';
import { setupCommand } from '../../../src/core/lock/setup-command.ts';
import type { SetupPlace, SetupTrust } from '../../../src/core/lock/setup-command.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { hex, lock, pkg } from './support.ts';

const { records } = parseText(
  [
    'release: demo\n',
    `@ app\nversion: 3.0-1\ninstall: x86_64/release/app/app-3.0-1.tar.xz 100 ${hex('a')}\nobsoletes: oldapp`,
    `[prev]\nversion: 2.0-1\ninstall: x86_64/release/app/app-2.0-1.tar.xz 100 ${hex('b')}\nobsoletes: olderapp\n`,
    `@ vi-one\nversion: 9.1-1\ninstall: x86_64/release/vi/vi-9.1-1.tar.xz 100 ${hex('c')}\nprovides: editor`,
    'obsoletes: vi-old\n',
    `@ other\nversion: 1-1\ninstall: x86_64/release/other/other-1-1.tar.xz 100 ${hex('d')}\nobsoletes: oldapp\n`,
  ].join('\n'),
  { file: 'index' },
);
const PACKAGES = [pkg('app', '3.0-1'), pkg('libx', '1.0-1'), pkg('vi-one', '9.1-1')];
const HERE: SetupPlace = { kind: 'directory', path: 'C:\\my repo' };

function argumentsFor(request: Partial<LockRequest>, place = HERE, trust: SetupTrust = 'none'): readonly string[] {
  return setupCommand(lock(PACKAGES, request), { program: 'setup-x86_64.exe', place, trust, records }).arguments;
}

describe('the packages that setup installs', () => {
  test.each<[string, Partial<LockRequest>, string[]]>([
    ['a locked package', { packages: ['app'] }, ['--packages', 'app']],
    ['a pinned version', { packages: ['app=3.0-1', 'libx'] }, ['--packages', 'app=3.0-1,libx']],
    ['an obsoleted name', { packages: ['oldapp'] }, ['--packages', 'app']],
    ['an obsoleted name and its replacement', { packages: ['app', 'oldapp'] }, ['--packages', 'app']],
    ['an obsoleted name beside a list of provided names', { packages: ['vi-old'] }, ['--packages', 'vi-one']],
    ['a provided name', { packages: ['editor'] }, ['--packages', 'vi-one']],
    ['a name that only another version obsoletes', { packages: ['olderapp'] }, ['--packages', 'app,libx,vi-one']],
    ['build dependencies', { buildDepends: ['app'] }, ['--packages', 'app,libx,vi-one']],
    ['categories', { categories: ['Net', 'Web'] }, ['--categories', 'Net,Web']],
    ['category Base alone', {}, []],
    ['test versions', { packages: ['app'], test: true }, ['--allow-test-packages', '--packages', 'app']],
    ['sources', { packages: ['app'], source: true }, ['--include-source', '--packages', 'app']],
  ])('%s', (_, request, expected) => {
    expect(argumentsFor(request)).toEqual([
      '--quiet-mode',
      '--upgrade-also',
      '--no-verify',
      '--local-install',
      '--local-package-dir',
      'C:\\my repo',
      ...expected,
    ]);
  });
});

test.each<[SetupTrust, string[]]>([
  ['none', ['--no-verify']],
  ['built-in', []],
  [{ publicKey: 'https://example/key.gpg' }, ['--pubkey', 'https://example/key.gpg']],
])('a repo and a site whose index has the signature %j', (trust, expected) => {
  const start = ['--quiet-mode', '--upgrade-also', ...expected];
  expect(argumentsFor({}, HERE, trust)).toEqual([...start, '--local-install', '--local-package-dir', 'C:\\my repo']);
  const url = 'http://127.0.0.1:8080/';
  expect(argumentsFor({}, { kind: 'site', url }, trust)).toEqual([...start, '--site', url, '--only-site']);
});

test.each([
  ['6.3.9600', 'x86_64', false],
  ['10.0.19045', 'x86_64', false],
  ['6.1.7601', 'x86_64', true],
  ['5.1.2600', 'x86', true],
  ['10.0.19045', 'x86', true],
  // The last setup for it does not have the option.
  ['5.0.2195', 'x86', false],
])('on Windows %s with %s: --allow-unsupported-windows is %s', (windows, arch, expected) => {
  expect(argumentsFor({ windows, arch }).includes('--allow-unsupported-windows')).toBe(expected);
});
