import type { TreeEntry } from './cpio.ts';
import type { Kernel } from './kernel.ts';
import type { KernelModule } from './modules.ts';
import { programsWithLibraries, requireProgram } from './programs.ts';

/** Directories of every initramfs. */
export const MOUNT_POINTS: readonly TreeEntry[] = ['proc', 'sys', 'dev', 'run', 'tmp'].map((path) => ({
  kind: 'directory',
  path,
}));

/** An executable script. */
export function script(path: string, content: string): TreeEntry {
  return { kind: 'file', path, content, mode: 0o755 };
}

/** Numbered modules, so that a glob lists them in load order. */
export function modulesTree(modules: readonly KernelModule[], directory = 'lib/modules'): TreeEntry[] {
  return modules.map(({ name, content, from }, index) => ({
    kind: 'file',
    path: `${directory}/${String(index).padStart(2, '0')}-${name}.ko`,
    content,
    from,
  }));
}

/** Returns the host's busybox. Throws GuestError `tool`. */
export async function findBusybox(): Promise<string> {
  return requireProgram('busybox');
}

/** Returns the entries for `bin/busybox` with its libraries. */
export async function busyboxTree(path: string): Promise<TreeEntry[]> {
  const [program, ...libraries] = await programsWithLibraries([path]);
  return program === undefined ? [] : [{ ...program, path: 'bin/busybox' }, ...libraries];
}

/** Kernel modules and mount options for shares over 9p. */
export const NINE_P = {
  modules: ['virtio_pci', '9pnet_virtio', '9p'],
  options: 'trans=virtio,version=9p2000.L,msize=262144',
} as const;

/** Files that change when other modules or libraries would be used. */
export function watchedFilesOf({ modulesDir }: Kernel): string[] {
  return [...['modules.dep', 'modules.builtin'].map((name) => `${modulesDir}/${name}`), '/etc/ld.so.cache'];
}

/** First lines of all scripts of our guests. */
export const SCRIPT_HEAD = `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
`;

/** First part of an /init: commands, kernel file systems, and the modules below /lib/modules in the order of their
 *  names. */
export const INIT_HEAD = `${SCRIPT_HEAD}
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /tmp
`;

/** Loads the modules below /lib/modules. */
export const LOAD_MODULES = `for module in /lib/modules/*.ko; do
  insmod "$module" 2>/tmp/insmod || echo "insmod $module: $(cat /tmp/insmod)"
done
`;
