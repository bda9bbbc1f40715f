import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive } from '../../src/guest/linux/cpio.ts';
import type { TreeEntry } from '../../src/guest/linux/cpio.ts';
import { findBusybox, MOUNT_POINTS, modulesTree, script } from '../../src/guest/linux/image-parts.ts';
import type { Kernel } from '../../src/guest/linux/kernel.ts';
import { moduleClosure } from '../../src/guest/linux/modules.ts';
import { programsWithLibraries } from '../../src/guest/linux/programs.ts';
import { programOf } from './program.ts';
import { findProgram } from '../../src/io/program.ts';

const MODULES = [
  'e1000',
  'e1000e',
  'button',
  'evdev',
  'fuse?',
  // cifs requests the modules of its ciphers by algorithm.
  ...'aes_generic? cmac? hmac? md5? sha256_generic? sha512_generic? ecb? ctr? ccm? gcm? ghash_generic?'.split(' '),
  'cifs',
  'nls_utf8?',
];

/** Programs besides busybox, with their Debian packages. */
const PROGRAMS = {
  bash: 'bash',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  // With nanoseconds, as in Cygwin.
  date: 'coreutils',
  // That of busybox starts its own programs before those in PATH.
  setsid: 'util-linux',
  'ntfs-3g': 'ntfs-3g',
  ntfscat: 'ntfs-3g',
};

/** Names of these programs. */
export const USERLAND_PROGRAMS = Object.keys(PROGRAMS);

/** Programs that newer releases of sshd start for each connection; their paths are compiled in. */
const SSHD_HELPERS = ['/usr/lib/openssh/sshd-session', '/usr/lib/openssh/sshd-auth'];

/** All of this Linux is here, so that little of it is among the files of Cygwin. */
const HOME = 'opt/linux';

/** Users of this Windows. The shell of the user begins a logon session. */
const USERS = `cygstrap:*:0:544:U-CYGWIN-BUILD\\cygstrap:/home/cygstrap:/${HOME}/sbin/logon
SYSTEM:*:18:18::/var:/bin/false
sshd:*:74:74::/var/empty:/bin/false
`;

const TEXTS = {
  passwd: USERS,
  group: 'Administrators:*:544:\nSYSTEM:*:18:\nsshd:*:74:\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\n',
};

/** Makes the files of the installed Windows: a Linux in which Cygwin seems to run. `windows/` has its scripts. Returns
 *  them as a compressed archive for cpio. */
export async function makeUserland(kernel: Kernel): Promise<Uint8Array> {
  const paths = await Promise.all(
    Object.entries(PROGRAMS).map(async ([name, debianPackage]) => programOf(name, debianPackage)),
  );
  const helpers = (await Promise.all(SSHD_HELPERS.map((path) => findProgram(path)))).filter(
    (path) => path !== undefined,
  );
  const busybox = await findBusybox();
  const [files, modules, scripts] = await Promise.all([
    programsWithLibraries([busybox, ...paths, ...helpers]),
    moduleClosure(kernel.modulesDir, MODULES),
    scriptsOf(join(import.meta.dirname, 'windows')),
  ]);
  const own = new Map([[busybox, 'busybox'], ...paths.map((path, i) => [path, USERLAND_PROGRAMS[i] ?? ''] as const)]);
  const programs = files.map((entry) => {
    const name = own.get(`/${entry.path}`);
    return name === undefined ? entry : { ...entry, path: `${HOME}/bin/${name}` };
  });
  const directories = [...new Set(programs.map(({ path }) => `/${dirname(path)}`)), `/${HOME}/sbin`, `/${HOME}/etc`];
  const entries: TreeEntry[] = [
    ...MOUNT_POINTS,
    ...programs,
    ...scripts,
    ...modulesTree(modules, `${HOME}/modules`),
    ...Object.entries({ ...TEXTS, directories: `${directories.join('\n')}\n` }).map(([name, content]): TreeEntry => ({
      kind: 'file',
      path: `${HOME}/etc/${name}`,
      content,
    })),
    { kind: 'directory', path: `${HOME}/run/sshd` },
    { kind: 'symlink', path: 'sbin/init', target: `/${HOME}/bin/busybox` },
  ];
  return gzipSync(Buffer.concat(cpioArchive(entries)), { level: 1 });
}

async function scriptsOf(directory: string): Promise<TreeEntry[]> {
  const names = await readdir(directory);
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return name === 'inittab'
        ? script('etc/inittab', text)
        : script(`${HOME}/sbin/${name.replace(/\.sh$/, '')}`, text);
    }),
  );
}
