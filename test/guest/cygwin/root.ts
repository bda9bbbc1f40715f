import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CYGWIN_FILES } from '../../../src/guest/cygwin/medium.ts';
import { configureScript } from '../../../src/guest/cygwin/configure.ts';
import { FSTAB } from '../../../src/guest/cygwin/shares.ts';

/** Programs of Cygwin's packages that the scripts use. Only these are in the root directory. */
const PROGRAMS = 'bash sh cat chmod cut env grep id install mkdir mktemp rm sed setsid ssh-keygen tail touch tr'.split(
  ' ',
);

/** Records its arguments in /log, quoted for a shell. */
const RECORD = '#!/bin/bash\n{ printf %s "${0##*/}"; printf " %q" "$@"; echo; } >>/log\n';

/** Stand-ins for programs of Windows and of Cygwin. Their state is in /state. */
const STUBS: Readonly<Record<string, string>> = {
  // Connects a share if the password is right: the words are `use`, the share, the password and the user. The answers
  // of Windows are in its language and code page, with CR LF.
  net: `[ ! -e /state/answer ] || { cat /state/answer; exit 2; }
case $3 in
  "$(cat /state/password 2>/dev/null)") mkdir -p "/\${2##*\\\\}" ;;
esac`,
  mkpasswd: `echo 'cygstrap:*:0:0:,S-1-5-21-1-2-3-1003:/home/cygstrap:/bin/bash'`,
  chown: '',
  sleep: '',
  passwd: `cat >/state/passwords
{ : </dev/tty; } 2>/dev/null && touch /state/terminal
echo 'Password is not identical.'`,
  cygrunsrv: `case $1 in
  -Q) [ -e /state/service ] ;;
  -I) [ ! -e /state/service ] && touch /state/service ;;
  -R) [ ! -e /state/running ] && rm /state/service ;;
  -E) rm -f /state/running ;;
  -S) touch /state/running ;;
esac`,
  ssh: `[ "$1" != -V ] || { cat /state/version >&2; exit 0; }
while [ "$1" != -i ]; do shift; done
key=$(ssh-keygen -y -f "$2" | cut -d ' ' -f 1,2)
cut -d ' ' -f 1,2 /home/cygstrap/.ssh/authorized_keys | grep -Fqx -- "$key" || exit 255
[ -e /state/running ] || exit 255
if [ -s /state/refusals ]; then
  sed -i 1d /state/refusals
  echo 'ssh: connect to host 127.0.0.1: 100% refused' >&2
  exit 255
fi
cat /state/groups`,
};

/** A root directory like that of a new guest, in which programs of Windows are stand-ins that record their calls. */
export class CygwinRoot implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'cygwin-root-'));

  constructor() {
    for (const name of ['dev', 'etc', 'home', 'host', 'medium', 'proc', 'state', 'tmp', 'usr/bin', 'usr/sbin'])
      mkdirSync(join(this.path, name), { recursive: true });
    for (const [link, target] of [
      ['bin', 'usr/bin'],
      ['lib', '/host/lib'],
      ['lib64', '/host/lib64'],
      ['usr/lib', '/host/usr/lib'],
    ] as const)
      symlinkSync(target, join(this.path, link));
    for (const name of PROGRAMS) symlinkSync(`/host/usr/bin/${name}`, join(this.path, 'usr/bin', name));
    for (const [name, text] of Object.entries(STUBS)) this.addProgram(`usr/bin/${name}`, text);
    this.addProgram('usr/sbin/sshd', '');
    this.write('etc/passwd', 'cygstrap:*:0:0::/home/cygstrap:/bin/bash\n');
    this.write('etc/group', 'root:x:0:\n');
    this.write('etc/fstab', 'none /cygdrive cygdrive binary,posix=0,user 0 0\n');
    this.write('log', '');
    this.write('state/groups', '197121 513 544 545 4 66049 11 15 113 66048\n');
    this.write('state/version', 'OpenSSH_9.9p2, OpenSSL 3.0.15\n');
    const medium = {
      [CYGWIN_FILES.configure]: configureScript('cygstrap'),
      [CYGWIN_FILES.hostKey]: 'PRIVATE HOST KEY\n',
      [`${CYGWIN_FILES.hostKey}.pub`]: `ssh-ed25519 ${'A'.repeat(68)} cygstrap\n`,
      [CYGWIN_FILES.authorizedKeys]: `ssh-ed25519 ${'B'.repeat(68)} cygstrap\n`,
      [CYGWIN_FILES.password]: 'Cy1-aB3dE6gH9jK2mN5p\n',
      [CYGWIN_FILES.fstab]: FSTAB,
    };
    for (const [name, text] of Object.entries(medium)) this.write(`medium/${name}`, text);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.path, path), 'utf8');
  }

  remove(path: string): void {
    rmSync(join(this.path, path), { recursive: true });
  }

  /** Adds a program of bash that first records its arguments. */
  addProgram(path: string, text: string): void {
    this.write(path, `${RECORD}${text}\n`);
    chmodSync(join(this.path, path), 0o755);
  }

  /** Recorded calls since the last call of this function. */
  calls(): string[] {
    const lines = this.read('log').split('\n').slice(0, -1);
    this.write('log', '');
    return lines;
  }

  /** Runs a program in the root directory, with a terminal if `hasTerminal`. */
  run(
    argv: readonly string[],
    { hasTerminal = false }: { readonly hasTerminal?: boolean } = {},
  ): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
    const mounts = 'mount --rbind / "$1/host" && mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc"';
    const enter = ['unshare', '-Urm', 'sh', '-c', `${mounts} && exec chroot "$@"`, 'sh', this.path, ...argv];
    const terminal = ['script', '-qec', enter.map((word) => `'${word}'`).join(' '), '/dev/null'];
    const [program = '', ...words] = hasTerminal ? terminal : enter;
    const { status, stdout, stderr } = spawnSync(program, words, {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
      timeout: 60_000,
    });
    return { code: status, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
