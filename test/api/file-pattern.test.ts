import { describe, expect, test } from 'vitest';
import { pathTest } from '../../src/api/file-pattern.ts';

const PATHS = [
  '/usr/bin/ssh.exe',
  '/usr/bin/ssh-add.exe',
  '/usr/bin/make',
  '/usr/sbin/sshd.exe',
  '/bin/sh',
  '/usr/lib/libssl.dll.a',
  '/etc/ssh_config',
  '/etc/defaults/etc/ssh_config',
  '/usr/share/doc/a[1].txt',
  '/usr/share/doc/two\nlines',
];

describe('a path, a name or a glob', () => {
  test.each([
    ['/usr/bin/ssh.exe', ['/usr/bin/ssh.exe']],
    ['usr/bin/ssh', ['/usr/bin/ssh.exe']],
    ['//usr/bin/ssh', ['/usr/bin/ssh.exe']],
    ['/bin/ssh', ['/usr/bin/ssh.exe']],
    ['/usr/bin/sh', ['/bin/sh']],
    ['/lib/libssl.dll.a', ['/usr/lib/libssl.dll.a']],
    ['/usr/bin', []],
    ['ssh', ['/usr/bin/ssh.exe']],
    ['SSH', []],
    ['ssh.exe', ['/usr/bin/ssh.exe']],
    ['make', ['/usr/bin/make']],
    ['ssh_config', ['/etc/ssh_config', '/etc/defaults/etc/ssh_config']],
    ['ssh*', ['/usr/bin/ssh.exe', '/usr/bin/ssh-add.exe', '/usr/sbin/sshd.exe', '/etc/ssh_config', PATHS[7]]],
    ['ssh?.exe', ['/usr/sbin/sshd.exe']],
    ['ssh[!_]*', ['/usr/bin/ssh.exe', '/usr/bin/ssh-add.exe', '/usr/sbin/sshd.exe']],
    ['ssh[a-d].exe', ['/usr/sbin/sshd.exe']],
    ['ssh[^_]*', ['/usr/bin/ssh.exe', '/usr/bin/ssh-add.exe', '/usr/sbin/sshd.exe']],
    ['bin[+-9]make', []],
    ['bin[^x]make', []],
    ['bin[/]make', []],
    ['ssh[+-9]add.exe', ['/usr/bin/ssh-add.exe']],
    ['/usr**/sshd.exe', ['/usr/sbin/sshd.exe']],
    ['/usr/bin**/make', ['/usr/bin/make']],
    ['/usr/bin/m**/ake', []],
    ['make[!]', []],
    ['/etc/*', ['/etc/ssh_config']],
    ['/etc/**', ['/etc/ssh_config', '/etc/defaults/etc/ssh_config']],
    ['/etc/**/ssh_config', ['/etc/ssh_config', '/etc/defaults/etc/ssh_config']],
    ['**/*.dll.a', ['/usr/lib/libssl.dll.a']],
    ['*/ssh.exe', ['/usr/bin/ssh.exe']],
    ['bin/s*', ['/usr/bin/ssh.exe', '/usr/bin/ssh-add.exe', '/bin/sh']],
    ['usr/bin/sh', ['/bin/sh']],
    ['etc/ssh_config', ['/etc/ssh_config', '/etc/defaults/etc/ssh_config']],
    ['/ssh_config', []],
    ['/bin/s*', ['/usr/bin/ssh.exe', '/usr/bin/ssh-add.exe', '/bin/sh']],
    ['a[[]1].txt', ['/usr/share/doc/a[1].txt']],
    ['a[1', []],
    ['a.1..txt', []],
    ['two?lines', ['/usr/share/doc/two\nlines']],
    ['two*', ['/usr/share/doc/two\nlines']],
  ])('%s', async (pattern, expected) => {
    const isWanted = await pathTest(pattern);
    expect(PATHS.filter(isWanted)).toEqual(expected);
  });

  test.each(['', '/', '//', '[z-a]', '[[:alpha:]]*', '[^_[.a.]]'])('%j is refused', async (pattern) => {
    await expect(pathTest(pattern)).rejects.toMatchObject({ code: 'usage' });
  });

  test('takes linear time for every pattern', async () => {
    const isWanted = await pathTest(`${'*a'.repeat(40)}b`);
    expect(isWanted(`/${'a'.repeat(4000)}`)).toBe(false);
  });
});
