import { gzipSync } from 'node:zlib';
import { cpioArchive } from '../../src/guest/linux/cpio.ts';
import { INIT_HEAD, LOAD_MODULES, MOUNT_POINTS } from '../../src/guest/linux/image-parts.ts';
import { busyboxTree, findBusybox, modulesTree, script } from '../../src/guest/linux/image-parts.ts';
import { findKernel } from '../../src/guest/linux/kernel.ts';
import { moduleClosure } from '../../src/guest/linux/modules.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { programsWithLibraries } from '../../src/guest/linux/programs.ts';
import { programOf } from './program.ts';
import { makeUserland, USERLAND_PROGRAMS } from './userland.ts';

const MODULES = [
  'ata_piix',
  'ahci',
  'sd_mod',
  'sr_mod',
  'isofs',
  'udf',
  'nls_cp437',
  'nls_iso8859_1',
  'nls_ascii?',
  'nls_utf8?',
  'vfat',
  'efivarfs?',
  'fuse?',
];

/** Programs of the guest besides busybox, with their Debian packages. */
const PROGRAMS = {
  sfdisk: 'fdisk',
  'mkfs.vfat': 'dosfstools',
  mkntfs: 'ntfs-3g',
  'ntfs-3g': 'ntfs-3g',
  ntfscp: 'ntfs-3g',
  extlinux: 'extlinux',
  efibootmgr: 'efibootmgr',
};

/** Names of all programs. */
export const GUEST_PROGRAMS = [...Object.keys(PROGRAMS), ...USERLAND_PROGRAMS];

/** Starts the installed Windows after the computer was powered off. Before, it mounts the medium of the rehearsal, runs
 *  the counterfeit Setup that is on it, and powers off when that ends. On COM1 there is nothing of Linux but the errors
 *  of Node.js; the screen has the rest. */
const INIT = `${INIT_HEAD}
${LOAD_MODULES}
# Without a controller its driver waits for seconds.
[ ! -e /sys/bus/acpi/devices/PNP0700:00 ] || insmod /lib/modules/floppy/*.ko
tries=0
until [ -e /dev/sda ] || [ $tries -gt 200 ]; do
  tries=$((tries + 1))
  usleep 50000
done
state=$(dd if=/dev/sda bs=1024 skip=512 count=256 2>/dev/null | tr -d '\\0')
case $(cat /proc/cmdline)$state in
  *setup.from=disk*'{"isInstalled":true,'*)
    partition=$(echo "$state" | sed -n 's/.*"windowsPartition":\\([0-9]*\\).*/\\1/p')
    mkdir /windows
    mount -t tmpfs -o size=80% windows /windows
    cd /windows
    ntfscat -f /dev/sda$partition Windows/System32/linux.cpio.gz | zcat | cpio -idm 2>/dev/null
    umount /proc /sys
    mount --move /dev /windows/dev
    exec switch_root /windows /sbin/init
    ;;
esac
mkdir /cd
tries=0
until [ -e /cd/rehearsal ]; do
  for drive in /dev/sr*; do
    for type in udf iso9660; do
      mount -t $type -o ro,mode=0555,dmode=0555 $drive /cd 2>/dev/null && break
    done
    [ -e /cd/rehearsal ] && blockdev --setra 2048 $drive && break
    umount /cd 2>/dev/null
  done
  tries=$((tries + 1))
  [ $tries -le 200 ] || { echo 'no CD of the rehearsal' >/dev/ttyS0; poweroff -f; }
  usleep 50000
done
cp -r /cd/rehearsal/root/. /
export HOME=/tmp
/cd/rehearsal/node /cd/rehearsal/setup.mjs </dev/tty1 >/dev/tty1 2>/dev/ttyS0
sync
poweroff -f
`;

export interface Linux {
  /** Path of the kernel. */
  readonly kernel: string;
  readonly initramfs: Uint8Array;
  /** Archive of the Linux that plays the installed Windows; see `userland.ts`. */
  readonly userland: Uint8Array;
  /** Files by path that are copied to the root directory after the start: the firmware reads slowly. */
  readonly programs: Readonly<Record<string, Uint8Array>>;
}

/** Makes the Linux that plays Windows, of the kernel and programs of this host. Node.js is not in it: it runs from the
 *  medium. */
export async function makeLinux(): Promise<Linux> {
  const kernel = await findKernel({ cacheDir: userCacheDirectory(process.env) });
  const paths = await Promise.all(
    Object.entries(PROGRAMS).map(async ([name, debianPackage]) => programOf(name, debianPackage)),
  );
  const [busybox, ntfscat, userland, programs, modules, floppy] = await Promise.all([
    busyboxTree(await findBusybox()),
    programsWithLibraries([await programOf('ntfscat', 'ntfs-3g')]),
    makeUserland(kernel),
    programsWithLibraries([...paths, process.execPath]),
    moduleClosure(kernel.modulesDir, MODULES),
    moduleClosure(kernel.modulesDir, ['floppy']),
  ]);
  const entries = [
    script('init', INIT),
    ...MOUNT_POINTS,
    ...busybox,
    ...ntfscat,
    ...modulesTree(modules),
    ...modulesTree(floppy, 'lib/modules/floppy'),
  ];
  return {
    kernel: kernel.image,
    userland,
    initramfs: gzipSync(Buffer.concat(cpioArchive(entries))),
    programs: Object.fromEntries(
      programs.flatMap((entry) =>
        entry.kind === 'file' && entry.path !== process.execPath.slice(1)
          ? [[entry.path, Buffer.from(entry.content)]]
          : [],
      ),
    ),
  };
}
