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
import type { PrepareOptions } from '../kind.ts';
import { smbConf } from '../shares.ts';
import { CONTROLLER_PLACES, controllerInit } from './init.ts';

/** Boot files of a controller. */
export interface ControllerImage {
  readonly kernel: Kernel;
  readonly initramfs: Image;
  /** Path of ssh in the controller. */
  readonly ssh: string;
}

const MODULES = [...NINE_P.modules, 'virtio_net', 'qemu_fw_cfg'];

/** Services that smbd starts on demand, in the directories of the distributions. Windows requests the list of shares.
 *  */
const SMBD_HELPERS = ['samba-dcerpcd', 'rpcd_classic'].flatMap((name) =>
  ['/usr/libexec/samba', '/usr/lib/samba', '/usr/lib/samba/samba', '/usr/lib64/samba'].map(
    (place) => `${place}/${name}`,
  ),
);

/** Builds the kernel and initramfs of the controller from programs of the host, or finds them in the cache. Needs no
 *  root. Throws GuestError `tool` for missing programs, `io`. */
export async function controllerImage({ cacheDir, report, signal }: PrepareOptions): Promise<ControllerImage> {
  const kernel = await findKernel({ cacheDir, report, signal });
  const [smbd, ssh, busybox, helpers] = await Promise.all([
    requireProgram('smbd'),
    requireProgram('ssh'),
    findBusybox(),
    Promise.all(SMBD_HELPERS.map((name) => findProgram(name))),
  ]);
  const programs = [smbd, ssh, ...helpers.filter((path) => path !== undefined)];
  const { smb, smbConf: conf, store, xchg } = CONTROLLER_PLACES;
  const own: readonly TreeEntry[] = [
    script('init', controllerInit({ smbd })),
    ...MOUNT_POINTS,
    { kind: 'directory', path: 'root', mode: 0o700 },
    { kind: 'file', path: conf.slice(1), content: smbConf({ directory: smb, store, xchg, user: 'root' }) },
    {
      kind: 'file',
      path: 'etc/passwd',
      content: 'root:*:0:0:root:/root:/bin/sh\nnobody:*:65534:65534:nobody:/:/bin/false\n',
    },
    { kind: 'file', path: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
  ];
  const initramfs = await cachedInitramfs(cacheDir, {
    name: 'controller',
    parts: [own, kernel.modulesDir, MODULES, busybox, programs],
    watchedFiles: watchedFilesOf(kernel),
    entries: async () => {
      const [box, files, modules] = await Promise.all([
        busyboxTree(busybox),
        programsWithLibraries(programs),
        moduleClosure(kernel.modulesDir, MODULES),
      ]);
      return [...own, ...box, ...files, ...modulesTree(modules)];
    },
  });
  return { kernel, initramfs, ssh };
}
