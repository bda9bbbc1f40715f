import type { Report } from '../../events.ts';
import type { Image } from '../linux/image-store.ts';
import type { TreeEntry } from '../linux/cpio.ts';
import {
  MOUNT_POINTS,
  NINE_P,
  busyboxTree,
  findBusybox,
  modulesTree,
  script,
  watchedFilesOf,
} from '../linux/image-parts.ts';
import { findKernel } from '../linux/kernel.ts';
import type { Kernel } from '../linux/kernel.ts';
import { cachedInitramfs } from '../linux/image-cache.ts';
import { moduleClosure } from '../linux/modules.ts';
import { findProgram } from '../../io/program.ts';
import { programsWithLibraries, requireProgram } from '../linux/programs.ts';
import {
  BOOT_INIT,
  INITTAB,
  installerInit,
  OVERLAY,
  POWER_BUTTON,
  SESSION,
  SHUTDOWN,
  SSHD_CONFIG,
  SYSTEM_RC,
} from './scripts.ts';
import type { InstallerTools } from './scripts.ts';
import { CYGCHECK } from './records.ts';

/** Kernel and initramfs images of the stand-in. */
export interface StandInImages {
  readonly kernel: Kernel;
  /** Initramfs of the installer. */
  readonly installer: Image;
  /** Initramfs of an installed stand-in. */
  readonly boot: Image;
}

export interface StandInOptions {
  readonly cacheDir: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DISK_MODULES = ['crc32c_generic?', 'ata_piix', 'sd_mod', 'ext4'];
const INSTALLER_MODULES = [
  ...DISK_MODULES,
  'sr_mod',
  'isofs',
  'nls_cp437',
  'nls_iso8859_1',
  'nls_ascii?',
  'nls_utf8?',
  'vfat',
  'floppy',
];
const NETWORK_MODULES = ['e1000'];
const UEFI_MODULES = ['efivarfs?'];
/** Modules of the ciphers of cifs. cifs requests them by algorithm, so they are not among its dependencies. */
const CIFS_CIPHERS = [
  'aes_generic?',
  'cmac?',
  'hmac?',
  'md5?',
  'sha256_generic?',
  'sha512_generic?',
  'ecb?',
  'ctr?',
  'ccm?',
  'gcm?',
  'ghash_generic?',
];
const SYSTEM_MODULES = ['button', 'evdev', ...CIFS_CIPHERS, 'cifs', 'nls_utf8?', ...NINE_P.modules, 'overlay'];

/** Returns kernel and images of the stand-in, made of programs of this host, from the cache if possible. Needs no
 *  root. Throws GuestError `tool` if the host lacks a program, and `io`. */
export async function standInImages({ cacheDir, report, signal }: StandInOptions): Promise<StandInImages> {
  const kernel = await findKernel({ cacheDir, report, signal });
  const [busybox, tools, system] = await Promise.all([findBusybox(), installerTools(), systemPrograms()]);
  const { modulesDir } = kernel;
  const watchedFiles = watchedFilesOf(kernel);
  const installerOwn = [script('init', installerInit(tools)), ...MOUNT_POINTS];
  const bootOwn = [script('init', BOOT_INIT), ...MOUNT_POINTS];
  const systemOwn = systemFiles(system);
  const [installer, boot] = await Promise.all([
    cachedInitramfs(cacheDir, {
      name: 'stand-in-installer',
      parts: [
        installerOwn,
        systemOwn,
        modulesDir,
        INSTALLER_MODULES,
        NETWORK_MODULES,
        UEFI_MODULES,
        SYSTEM_MODULES,
        busybox,
        tools,
        system,
      ],
      watchedFiles,
      entries: async () => {
        const [box, toolFiles, programs, modules, network, uefi, systemModules] = await Promise.all([
          busyboxTree(busybox),
          programsWithLibraries(Object.values(tools)),
          programsWithLibraries([system.bash, system.sshd, ...system.helpers]),
          ...[INSTALLER_MODULES, NETWORK_MODULES, UEFI_MODULES, SYSTEM_MODULES].map((names) =>
            moduleClosure(modulesDir, names),
          ),
        ]);
        const installed = [
          ...systemOwn,
          ...box,
          ...programs,
          ...modulesTree(network ?? [], 'lib/modules/network'),
          ...modulesTree(uefi ?? [], 'lib/modules/uefi'),
          ...modulesTree(systemModules ?? []),
        ];
        return [
          ...installerOwn,
          ...box,
          ...toolFiles,
          ...modulesTree(modules ?? []),
          ...modulesTree(uefi ?? [], 'lib/modules/uefi'),
          ...installed.map((entry) => ({ ...entry, path: `system/${entry.path}` })),
        ];
      },
    }),
    cachedInitramfs(cacheDir, {
      name: 'stand-in-boot',
      parts: [bootOwn, modulesDir, DISK_MODULES, busybox],
      watchedFiles,
      entries: async () => [
        ...bootOwn,
        ...(await busyboxTree(busybox)),
        ...modulesTree(await moduleClosure(modulesDir, DISK_MODULES)),
      ],
    }),
  ]);
  return { kernel, installer, boot };
}

async function installerTools(): Promise<InstallerTools> {
  const [mke2fs, xz, zstd] = await Promise.all([
    requireProgram('mke2fs'),
    requireProgram('xz'),
    requireProgram('zstd'),
  ]);
  return { mke2fs, xz, zstd };
}

/** Programs that newer releases of sshd start for each connection; their paths in different distributions. */
const SSHD_HELPERS = ['sshd-session', 'sshd-auth'].flatMap((name) =>
  ['/usr/lib/openssh', '/usr/libexec/openssh', '/usr/lib/ssh', '/usr/libexec'].map((place) => `${place}/${name}`),
);

/** Programs of the host in an installed stand-in, besides busybox. */
interface SystemPrograms {
  readonly bash: string;
  readonly sshd: string;
  readonly helpers: readonly string[];
}

async function systemPrograms(): Promise<SystemPrograms> {
  const [bash, sshd, helpers] = await Promise.all([
    requireProgram('bash'),
    requireProgram('sshd'),
    Promise.all(SSHD_HELPERS.map((name) => findProgram(name))),
  ]);
  return { bash, sshd, helpers: helpers.filter((path) => path !== undefined) };
}

/** Returns the files on the disk of an installed stand-in, except programs, modules, and those of the installation:
 *  keys and packages. */
function systemFiles({ bash, sshd }: SystemPrograms): TreeEntry[] {
  const links: TreeEntry[] = bash === '/bin/bash' ? [] : [{ kind: 'symlink', path: 'bin/bash', target: bash }];
  const directories = ['cygwin', 'cygwin/bin', 'mnt', 'store', 'xchg', 'var/empty', 'usr/share/empty.sshd', 'usr/sbin'];
  return [
    ...MOUNT_POINTS,
    ...directories.map((path): TreeEntry => ({ kind: 'directory', path })),
    { kind: 'directory', path: 'root', mode: 0o700 },
    ...links,
    { kind: 'symlink', path: 'sbin/init', target: '/bin/busybox' },
    script('sbin/power-button', POWER_BUTTON),
    script('sbin/shutdown-now', SHUTDOWN),
    script('sbin/overlay', OVERLAY),
    script('sbin/session', SESSION),
    script('cygwin/bin/cygcheck', CYGCHECK),
    script('etc/rc', SYSTEM_RC.replace('SSHD', sshd)),
    { kind: 'file', path: 'etc/inittab', content: INITTAB },
    { kind: 'file', path: 'etc/ssh/sshd_config', content: SSHD_CONFIG },
    {
      kind: 'file',
      path: 'etc/passwd',
      content: `root:*:0:0:root:/root:/sbin/session\nsshd:*:74:74:sshd:/run/sshd:/bin/false\n`,
    },
    { kind: 'file', path: 'etc/group', content: 'root:x:0:\nsshd:x:74:\n' },
  ];
}
