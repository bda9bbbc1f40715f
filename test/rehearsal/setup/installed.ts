import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSetup } from './cygwin-setup.ts';
import type { OwnResult } from './world.ts';

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

/** Starts Windows as far as programs of Cygwin need it: drive C, and what is known of the computer. */
function startWindows(facts: ReadonlyMap<string, string>): void {
  if (existsSync(SCRIPTS)) return;
  execFileSync('sh', ['-c', `zcat ${ARCHIVE} | cpio -idmu`], { cwd: '/', stdio: 'ignore' });
  run('/opt/linux/bin/busybox', ['--install', '-s', '/opt/linux/bin']);
  run(`${SCRIPTS}/load-c`, []);
  keepFacts(facts);
}

/** Writes drive C to the disk, with more facts about the computer: what Windows has in its registry. */
export function stopWindows(facts: ReadonlyMap<string, string>): void {
  if (!existsSync(SCRIPTS)) return;
  keepFacts(facts);
  run(`${SCRIPTS}/save-c`, []);
}

function keepFacts(facts: ReadonlyMap<string, string>): void {
  mkdirSync(STATE, { recursive: true });
  for (const [name, text] of facts) writeFileSync(join(STATE, name), text);
}

/** Returns the place of a path of Windows. */
function placeOf(path: string): string {
  const [, letter = '', below = ''] = /^([a-z]):\\?(.*)$/i.exec(path) ?? [];
  const root = letter.toUpperCase() === 'C' ? C : `/media/${letter.toUpperCase()}`;
  return join(root, below.replaceAll('\\', '/'));
}

/** Makes a root directory of Cygwin visible to its programs. */
function enterCygwin(root: string): void {
  run(`${SCRIPTS}/enter-cygwin`, [root]);
}

/** Environment of programs of Cygwin: that of Windows. */
const ENVIRONMENT = `env -i HOME=/home/cygstrap USER=cygstrap TERM=cygwin
  PATH=/cygdrive/c/Windows/System32:/cygdrive/c/Windows`.split(/\s+/);

/** Runs a program of Cygwin with a terminal, as cmd does. Returns its exit code. */
function runInCygwin(args: readonly string[]): number {
  const terminal = 'exec setsid -c "$@" </dev/tty1 >/dev/tty1 2>&1';
  const { status } = spawnSync(
    'sh',
    ['-c', terminal, 'sh', 'chroot', '/cygwin', '/opt/linux/bin/busybox', ...ENVIRONMENT, ...args],
    { stdio: 'ignore' },
  );
  return status ?? 1;
}

/** Runs a script of a package as setup does. */
function runScript(path: string): { readonly code: number; readonly output: string } {
  const bash = ['/usr/bin/bash', '--norc', '--noprofile', path];
  const { status, stdout } = spawnSync('chroot', ['/cygwin', '/opt/linux/bin/busybox', ...ENVIRONMENT, ...bash], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { code: status ?? 1, output: stdout };
}

/** The Windows that a program runs on. */
export interface Windows {
  readonly arch: 'x86' | 'x86_64';
  readonly variant: string;
  readonly facts: ReadonlyMap<string, string>;
}

const CONSOLE = 'C:\\cygstrap\\console.txt';

/** Plays Cygwin's setup on a medium, and bash of an installed Cygwin; see `OwnProgram`. */
export function playProgram(path: string, quoted: readonly string[], windows: Windows): OwnResult | undefined {
  const args = quoted.map((arg) => arg.replace(/^"(.*)"$/, '$1'));
  if (/^[d-z]:\\setup-x86(_64)?\.exe$/i.test(path) && existsSync(placeOf(path))) {
    startWindows(windows.facts);
    const computer = { ...windows, resolve: placeOf, enter: enterCygwin, runScript };
    return { exitCode: runSetup(args, computer), files: filesOfSetup(args) };
  }
  const [, root] = /^(C:\\\w+)\\bin\\bash\.exe$/i.exec(path) ?? [];
  if (root === undefined) return undefined;
  startWindows(windows.facts);
  if (!existsSync(placeOf(`${root}\\bin\\bash`))) return undefined;
  enterCygwin(placeOf(root));
  mkdirSync(placeOf('C:\\cygstrap'), { recursive: true });
  const lines = placeOf(CONSOLE);
  // The script of cmd has deleted it.
  rmSync(lines, { force: true });
  const exitCode = runInCygwin(['/usr/bin/bash', ...args]);
  return { exitCode, files: existsSync(lines) ? { [CONSOLE]: readFileSync(lines, 'latin1') } : {} };
}

/** What scripts of cmd look at: the log, and one file for each package. */
function filesOfSetup(args: readonly string[]): Readonly<Record<string, string>> {
  const root = args[args.indexOf('--root') + 1] ?? '';
  const lists = readdirSync(placeOf(`${root}\\etc\\setup`)).filter((name) => name.endsWith('.lst.gz'));
  return {
    [`${root}\\var\\log\\setup.log`]: readFileSync(placeOf(`${root}\\var\\log\\setup.log`), 'latin1'),
    ...Object.fromEntries(lists.map((name) => [`${root}\\etc\\setup\\${name}`, ''])),
  };
}
