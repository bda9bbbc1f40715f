import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Runs in the guest: the installed Windows, a Linux in memory. Drive C is the directory /c, which is written to the
// disk when the computer restarts or powers off.

const C = '/c';
const STATE = join(C, 'Windows/state');
const SCRIPTS = '/opt/linux/sbin';
const ARCHIVE = '/cd/rehearsal/windows.cpio.gz';

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Writes the Linux of the installed Windows to the disk. */
export function writeLinux(partition: number): void {
  run('ntfscp', ['--quiet', `/dev/sda${partition}`, ARCHIVE, 'Windows/System32/linux.cpio.gz']);
}

/** Starts Windows as far as Setup needs it: its programs, and drive C. */
export function startWindows(): void {
  if (existsSync(SCRIPTS)) return;
  execFileSync('sh', ['-c', `zcat ${ARCHIVE} | cpio -idmu`], { cwd: '/', stdio: ['ignore', 'ignore', 'ignore'] });
  run('/opt/linux/bin/busybox', ['--install', '-s', '/opt/linux/bin']);
  run(`${SCRIPTS}/load-c`, []);
  mkdirSync(STATE, { recursive: true });
}

/** Writes drive C to the disk. */
export function saveC(): void {
  run(`${SCRIPTS}/save-c`, []);
}

/** Keeps a fact about the computer, which Windows has in its registry. */
export function keepFact(name: string, text: string): void {
  mkdirSync(dirname(join(STATE, name)), { recursive: true });
  writeFileSync(join(STATE, name), text);
}

/** Returns the place of a path of Windows. */
export function placeOf(path: string): string {
  const [, letter = '', below = ''] = /^([a-z]):\\?(.*)$/i.exec(path) ?? [];
  const root = letter.toUpperCase() === 'C' ? C : `/media/${letter.toUpperCase()}`;
  return join(root, below.replaceAll('\\', '/'));
}

/** Makes a root directory of Cygwin visible to its programs. */
export function enterCygwin(root: string): void {
  run(`${SCRIPTS}/enter-cygwin`, [root]);
}

/** Environment of programs of Cygwin: that of Windows. */
const ENVIRONMENT = `env -i HOME=/home/cygstrap USER=cygstrap TERM=cygwin
  PATH=/cygdrive/c/Windows/System32:/cygdrive/c/Windows`.split(/\s+/);

/** Runs a program of Cygwin with a terminal, as cmd does. Returns its exit code. */
export function runInCygwin(args: readonly string[]): number {
  const terminal = 'exec setsid -c "$@" </dev/tty1 >/dev/tty1 2>&1';
  const { status } = spawnSync(
    'sh',
    ['-c', terminal, 'sh', 'chroot', '/cygwin', '/opt/linux/bin/busybox', ...ENVIRONMENT, ...args],
    { stdio: 'ignore' },
  );
  return status ?? 1;
}

/** Runs a script of a package as setup does. */
export function runScript(path: string): { readonly code: number; readonly output: string } {
  const bash = ['/usr/bin/bash', '--norc', '--noprofile', path];
  const { status, stdout } = spawnSync('chroot', ['/cygwin', '/opt/linux/bin/busybox', ...ENVIRONMENT, ...bash], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { code: status ?? 1, output: stdout };
}
