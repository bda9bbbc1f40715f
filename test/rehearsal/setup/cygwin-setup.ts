import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { faultOf, parseIndex, planOf } from './cygwin-index.ts';
import type { IndexedPackage } from './cygwin-index.ts';

/** What `setup-x86_64.exe` runs on. */
export interface SetupComputer {
  readonly arch: 'x86' | 'x86_64';
  /** Returns the place of a path of Windows. */
  readonly resolve: (path: string) => string;
  /** Makes the root directory visible to programs of Cygwin. */
  readonly enter: (root: string) => void;
  /** Runs a script of a package, by its path in the root. Returns its exit code and output. */
  readonly runScript: (path: string) => { readonly code: number; readonly output: string };
  /** With `package-missing` setup leaves out `make` and says nothing; with `in-use` its first run ends with
   *  118. */
  readonly variant: string;
}

/** Letters of options, their names, and whether a value follows.
 *  Source: the classes Option in cygwin-setup. */
const OPTIONS =
  `B no-admin; L local-install; l local-package-dir =; R root =; P packages =; C categories =; q quiet-mode;
  n no-shortcuts; N no-startmenu; d no-desktop; X no-verify; g upgrade-also; A disable-buggy-antivirus; W wait;
  O only-site; s site =; a arch =; K pubkey =; U keep-untrusted-keys; v verbose; m mirror-mode; I include-source;
  t allow-test-packages; allow-unsupported-windows; no-version-check; no-write-registry; no-warn-deprecated-windows`
    .split(';')
    .map((text) => {
      const words = text.trim().split(' ');
      const hasValue = words.at(-1) === '=';
      const [name = '', letter] = (hasValue ? words.slice(0, -1) : words).toReversed();
      return { name, letter, hasValue };
    });

/** Parses a command line of setup. Throws an error for what setup does not know. */
export function parseOptions(args: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [, dashes, word = '', value] = /^(--?)([\w-]+)(?:=(.*))?$/.exec(arg) ?? [];
    const option = OPTIONS.find(({ name, letter }) => (dashes === '--' ? name === word : letter === word));
    if (option === undefined) throw new Error(`unrecognized option: ${arg}`);
    const text = option.hasValue ? (value ?? args[++at]) : '';
    if (text === undefined || text.startsWith('-')) throw new Error(`option requires an argument: ${arg}`);
    found.set(option.name, text);
  }
  return found;
}

/** Plays `setup-x86_64.exe`: installs packages from a local directory. Returns the exit code. */
export function runSetup(args: readonly string[], computer: SetupComputer): number {
  const options = parseOptions(args);
  const root = computer.resolve(options.get('root') ?? `C:\\cygwin${computer.arch === 'x86' ? '' : '64'}`);
  const directory = options.get('local-package-dir');
  for (const each of ['bin', 'etc/setup', 'etc/postinstall', 'home', 'lib', 'tmp', 'usr/bin', 'usr/lib', 'var/log'])
    mkdirSync(join(root, each), { recursive: true });
  const log = logOf(root);
  log('Starting cygwin install, version 2.932');
  const end = (code: number, note?: string): number => {
    if (note !== undefined) log(`note: ${note}`);
    log('Ending cygwin install');
    return code;
  };
  if (!options.has('quiet-mode') || !options.has('local-install') || directory === undefined)
    throw new Error('setup shows a window and waits');
  const source = indexDirectory(computer.resolve(directory), computer.arch);
  if (source === undefined || !(options.has('no-verify') || options.has('pubkey'))) {
    log('mbox note: Mirror Error: Setup.ini signature error');
    log('unattended_mode is set at mbox: returning default value');
    return end(1, 'Installation incomplete. Check for details');
  }
  const packages = parseIndex(readFileSync(join(source, computer.arch, 'setup.ini'), 'utf8'));
  const names = (options.get('packages') ?? '').split(',').filter((name) => name !== '');
  for (const name of names) if (!packages.has(name.replace(/=.*/, ''))) log(`Package '${name}' not found.`);
  const plan = planOf(
    packages,
    names.map((name) => name.replace(/=.*/, '')),
  );
  const installed = plan.filter(({ name }) => name !== 'make' || !computer.variant.includes('package-missing'));
  const faults = installed.map((each) => faultOf(source, each)).filter((fault) => fault !== undefined);
  if (faults.length > 0) {
    faults.forEach((fault) => log(fault));
    return end(1, 'Installation incomplete. Check for details');
  }
  unpack(root, source, installed, log);
  const db = join(root, 'etc/setup/installed.db');
  // Packages that are not in the plan stay.
  const before = existsSync(db) ? readFileSync(db, 'utf8').split('\n').slice(1) : [];
  const kept = before.filter((line) => line !== '' && !installed.some(({ name }) => line.startsWith(`${name} `)));
  const lines = [
    ...kept.map((line) => `${line}\n`),
    ...installed.map(({ name, version }) => `${name} ${name}-${version}.tar.bz2 1\n`),
  ].sort();
  writeFileSync(`${db}.new`, `INSTALLED.DB 3\n${lines.join('')}`);
  renameSync(`${db}.new`, db);
  computer.enter(root);
  runScripts(root, computer, log);
  if (computer.variant.includes('in-use') && !existsSync(join(root, 'var/log/restarted'))) {
    writeFileSync(join(root, 'var/log/restarted'), '');
    log('Scheduled reboot replacement of file C:\\cygwin64\\bin\\cygwin1.dll with C:\\cygwin64\\bin\\cygwin1.dll.new');
    log('mbox note: In-use files have been replaced. You need to reboot as soon as possible');
    log('unattended_mode is set at mbox: returning default value');
    return end(118, 'In-use files have been replaced. You need to reboot as soon as possible');
  }
  // In quiet mode there is no note about a complete installation, and none about failed scripts.
  return end(0);
}

type Log = (text: string) => void;

function logOf(root: string): Log {
  return (text) => {
    const line = `${new Date().toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')} ${text}\n`;
    for (const name of ['setup.log', 'setup.log.full']) appendFileSync(join(root, 'var/log', name), line);
  };
}

/** Returns the directory with the index: that which was named, or one below it by the address of a mirror. */
function indexDirectory(directory: string, arch: string): string | undefined {
  const below = existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  return [directory, ...below].find((each) => existsSync(join(each, arch, 'setup.ini')));
}

/** Unpacks archives and lists their members, as setup does: it knows which directories are the same in Cygwin. */
function unpack(root: string, source: string, packages: readonly IndexedPackage[], log: Log): void {
  const work = join(root, 'tmp/unpacked');
  mkdirSync(work, { recursive: true });
  for (const {
    name,
    archive: [path],
  } of packages) {
    log(`Extracting from file://${path}`);
    const members = execFileSync('tar', ['-xvJf', join(source, path)], { cwd: work });
    writeFileSync(join(root, `etc/setup/${name}.lst.gz`), gzipSync(members));
  }
  const merge = 'cd "$1" && mkdir -p usr/bin usr/lib && mv usr/bin usr/lib . && cp -a . "$2" && cd / && rm -r "$1"';
  execFileSync('sh', ['-c', merge, 'sh', work, root]);
  for (const each of ['usr/bin', 'usr/lib']) mkdirSync(join(root, each), { recursive: true });
}

/** Runs the scripts of the packages. */
function runScripts(root: string, { runScript }: SetupComputer, log: Log): void {
  const directory = join(root, 'etc/postinstall');
  const names = readdirSync(directory).filter((name) => name.endsWith('.sh'));
  for (const name of names) {
    log(`running: C:\\cygwin64\\bin\\bash.exe --norc --noprofile "/etc/postinstall/${name}"`);
    const { code, output } = runScript(`/etc/postinstall/${name}`);
    if (output !== '') log(output.trimEnd());
    if (code === 0) renameSync(join(directory, name), join(directory, `${name}.done`));
    else log(`abnormal exit: exit code=${code}`);
  }
}
