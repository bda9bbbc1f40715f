import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configureScript } from '../../../src/guest/cygwin/configure.ts';
import { describeWith } from '../../support/qemu.ts';
import { CygwinRoot } from './root.ts';

const CONSOLE = 'state/console';
const HOST_KEY = `ssh-ed25519 ${'A'.repeat(68)}`;
const PASSWORD = 'Cy1-aB3dE6gH9jK2mN5p';

function newRoot(): CygwinRoot {
  const root = new CygwinRoot();
  onTestFinished(() => root[Symbol.dispose]());
  return root;
}

function configure(root: CygwinRoot, hasTerminal = false): { code: number | null; markers: string[]; output: string } {
  root.write(CONSOLE, '');
  const { code, stdout, stderr } = root.run(['/bin/bash', '/medium/configure.sh', '/medium', `/${CONSOLE}`], {
    hasTerminal,
  });
  return { code, markers: root.read(CONSOLE).split('\n').slice(0, -1), output: stdout + stderr };
}

describe('the script that configures Cygwin', () => {
  test('configures sshd, the user and the shares', () => {
    const root = newRoot();
    const { code, markers, output } = configure(root);
    expect({ code, markers }).toEqual({ code: 0, markers: [`@cygstrap hostkey ${HOST_KEY}`] });
    expect(output).not.toContain(PASSWORD);
    expect(root.calls()).toEqual([
      'chown cygstrap /home/cygstrap /home/cygstrap/.ssh /home/cygstrap/.ssh/authorized_keys ' +
        '/home/cygstrap/.cygstrap-password',
      'passwd -R',
      'cygrunsrv -Q cygsshd',
      'ssh -V',
      'chown 18:544 /etc/ssh_host_ed25519_key /etc/ssh_host_ed25519_key.pub /var/empty /var/log/lastlog',
      'sshd -t',
      'cygrunsrv -I cygsshd -d CYGWIN\\ cygsshd -p /usr/sbin/sshd -a -D -y tcpip',
      'cygrunsrv -S cygsshd',
      expect.stringMatching(/^ssh -F \/dev\/null -i \S+ .* cygstrap@127\.0\.0\.1 id\\ -G$/),
    ]);
    expect(root.read('state/passwords')).toBe(`${PASSWORD}\n${PASSWORD}\n`);
    expect(root.read('etc/ssh_host_ed25519_key')).toBe('PRIVATE HOST KEY\n');
    expect(root.read('home/cygstrap/.ssh/authorized_keys')).toBe(root.read('medium/authorized_keys'));
    expect(root.read('etc/fstab')).toBe(
      'none /cygdrive cygdrive binary,posix=0,user 0 0\n' +
        '//192.168.0.2/store /store smbfs binary,noacl,posix=0 0 0\n' +
        '//192.168.0.2/xchg /xchg smbfs binary,noacl,posix=0 0 0\n',
    );
    const modes = [
      'etc/ssh_host_ed25519_key',
      'home/cygstrap/.ssh',
      'home/cygstrap/.ssh/authorized_keys',
      'home/cygstrap/.cygstrap-password',
      'var/empty',
      'store',
      'xchg',
    ].map((path) => (statSync(join(root.path, path)).mode & 0o7777).toString(8));
    expect(modes).toEqual(['600', '700', '600', '600', '755', '755', '755']);
    expect(readdirSync(join(root.path, 'tmp'))).toEqual([]);
  });

  test('can run again, also while the service runs and the shares are mounted', () => {
    const root = newRoot();
    configure(root);
    const first = ['etc/fstab', 'etc/sshd_config', 'home/cygstrap/.ssh/authorized_keys'].map((path) => root.read(path));
    // A share that cannot be reached.
    root.remove('store');
    root.calls();
    expect(configure(root).code).toBe(0);
    expect(
      ['etc/fstab', 'etc/sshd_config', 'home/cygstrap/.ssh/authorized_keys'].map((path) => root.read(path)),
    ).toEqual(first);
    expect(
      root
        .calls()
        .filter((call) => call.startsWith('cygrunsrv'))
        .map((call) => call.slice(10, 12)),
    ).toEqual(['-Q', '-E', '-R', '-I', '-S']);
  });

  test('gives passwd no terminal, from which it would read instead', () => {
    const root = newRoot();
    expect(configure(root, true).code).toBe(0);
    expect(root.read('state/passwords')).toBe(`${PASSWORD}\n${PASSWORD}\n`);
    expect(readdirSync(join(root.path, 'state'))).not.toContain('terminal');
  });

  test('of an old Cygwin adds the user to its list; as another user stores the password of cygstrap', () => {
    const root = newRoot();
    root.write('etc/passwd', 'Administrator:*:0:0::/home/Administrator:/bin/bash\n');
    expect(configure(root).code).toBe(0);
    const calls = root.calls();
    expect(calls).toContain('passwd -R cygstrap');
    expect(calls[0]).toBe('mkpasswd -l -u cygstrap');
    expect(root.read('etc/passwd')).toContain('cygstrap:');
  });

  test.each([
    ['OpenSSH_7.2p2, OpenSSL 1.0.2g', true],
    ['OpenSSH_6.9p1, OpenSSL 1.0.2', true],
    ['OpenSSH_7.5p1, OpenSSL 1.0.2', false],
    ['OpenSSH_10.0p2, OpenSSL 3.0', false],
  ])('switches the separation of privileges off where it needs a user: %s', (version, isOld) => {
    const root = newRoot();
    root.write('state/version', `${version}\n`);
    expect(configure(root).code).toBe(0);
    expect(root.read('etc/sshd_config').includes('UsePrivilegeSeparation no')).toBe(isOld);
  });

  test('warns if a login by key has no password', () => {
    const root = newRoot();
    root.write('state/groups', '197121 513 544 545 2 11 15 114 4096\n');
    expect(configure(root)).toMatchObject({
      code: 0,
      markers: [
        '@cygstrap warning Windows did not store the password of the user: each connection uses net use for the shares',
        `@cygstrap hostkey ${HOST_KEY}`,
      ],
    });
  });

  test('waits until sshd answers', () => {
    const root = newRoot();
    root.write('state/refusals', '\n\n\n');
    expect(configure(root).code).toBe(0);
    expect(root.calls().filter((call) => call.startsWith('sleep'))).toHaveLength(3);
  });
});

describe('a failure is reported with its step', () => {
  const failures: [string, (root: CygwinRoot) => void, string][] = [
    ['a file is missing', (root) => root.remove('medium/password'), 'medium: missing file password'],
    [
      'Cygwin does not know the user',
      (root) => {
        root.write('etc/passwd', '');
        root.addProgram('usr/bin/mkpasswd', 'exit 1');
      },
      'user: Cygwin does not know the user cygstrap',
    ],
    [
      'sshd refuses its settings',
      (root) =>
        root.addProgram(
          'usr/sbin/sshd',
          'printf "/etc/sshd_config: line 3\\nterminating, 1 bad option\\n\\n" >&2; exit 255',
        ),
      'sshd: /usr/sbin/sshd: terminating, 1 bad option',
    ],
    [
      'the service is not installed',
      (root) => root.addProgram('usr/bin/cygrunsrv', '[ $1 != -I ] || { echo "Error: <1072> & more" >&2; exit 1; }'),
      'sshd: cygrunsrv: Error: 1072  more',
    ],
    [
      'sshd does not answer',
      (root) => root.write('state/refusals', '\n'.repeat(100)),
      'login: ssh: ssh: connect to host 127.0.0.1: 100 refused',
    ],
  ];
  test.each(failures)('%s', (_title, breakIt, text) => {
    const root = newRoot();
    breakIt(root);
    expect(configure(root)).toMatchObject({ code: 1, markers: [`@cygstrap failed ${text}`] });
  });

  test('in printable ASCII that cmd does not interpret, whatever a program prints', () => {
    const root = newRoot();
    root.addProgram('usr/sbin/sshd', 'cat /state/text >&2; exit 1');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        root.write('state/text', text);
        const { code, markers } = configure(root);
        expect(code).toBe(1);
        expect(markers).toHaveLength(1);
        expect(markers[0]).toMatch(/^@cygstrap failed sshd: [^%!^&|()<>]{0,280}$/);
        expect(markers[0]).toMatch(/^[ -~]{1,300}$/);
      }),
      { numRuns: 10 },
    );
  });
});

test('a password of our form reaches Windows unchanged', () => {
  const root = newRoot();
  const password = fc.stringMatching(/^Cy1-[A-Za-z0-9]{16}$/);
  fc.assert(
    fc.property(password, (text) => {
      root.write('medium/password', `${text}\n`);
      expect(configure(root).code).toBe(0);
      expect(root.read('state/passwords')).toBe(`${text}\n${text}\n`);
      expect(root.read('home/cygstrap/.cygstrap-password')).toBe(`${text}\n`);
    }),
    { numRuns: 5 },
  );
});

describeWith(['shellcheck', 'sshd'], 'programs of this host', () => {
  test('shellcheck finds no fault', () => {
    const input = configureScript('cygstrap');
    const { stdout } = spawnSync('shellcheck', ['-s', 'bash', '-'], { input, encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  test('sshd accepts its settings', () => {
    const root = newRoot();
    configure(root);
    // What sshd of Debian requires besides.
    root.write('etc/passwd', `${root.read('etc/passwd')}sshd:*:100:0::/run/sshd:/bin/false\n`);
    root.remove('etc/ssh_host_ed25519_key');
    mkdirSync(join(root.path, 'run/sshd'), { recursive: true });
    root.run(['/usr/bin/ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/etc/ssh_host_ed25519_key']);
    const { stdout, stderr } = root.run(['/host/usr/sbin/sshd', '-T', '-f', '/etc/sshd_config']);
    expect(stderr).toBe('');
    expect(stdout).toContain('authenticationmethods publickey\n');
  });
});
