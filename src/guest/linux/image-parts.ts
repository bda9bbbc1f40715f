import type { TreeEntry } from './cpio.ts';
import type { Kernel } from './kernel.ts';
import type { KernelModule } from './modules.ts';
import { programsWithLibraries, requireProgram } from './programs.ts';

/** Directories that every first file system begins with. */
export const MOUNT_POINTS: readonly TreeEntry[] = ['proc', 'sys', 'dev', 'run', 'tmp'].map((path) => ({
  kind: 'directory',
  path,
}));

/** A program made of text. */
export function script(path: string, content: string): TreeEntry {
  return { kind: 'file', path, content, mode: 0o755 };
}

/** Modules under numbers, so that a glob gives the order to load them in. */
export function modulesTree(modules: readonly KernelModule[], directory = 'lib/modules'): TreeEntry[] {
  return modules.map(({ name, content, from }, index) => ({
    kind: 'file',
    path: `${directory}/${String(index).padStart(2, '0')}-${name}.ko`,
    content,
    from,
  }));
}

/** The busybox of the host. Throws GuestError `tool`. */
export async function findBusybox(): Promise<string> {
  return requireProgram({ anyOf: ['busybox-static', 'busybox.static', 'busybox'], debianPackage: 'busybox-static' });
}

/** It as `bin/busybox`, with its libraries if it has any. */
export async function busyboxTree(path: string): Promise<TreeEntry[]> {
  const [program, ...libraries] = await programsWithLibraries([path]);
  return program === undefined ? [] : [{ ...program, path: 'bin/busybox' }, ...libraries];
}

/** What a guest needs for shares over 9p, and the options to mount them with. */
export const NINE_P = {
  modules: ['virtio_pci', '9pnet_virtio', '9p'],
  options: 'trans=virtio,version=9p2000.L,msize=262144',
} as const;

/** What changes when other modules or libraries than before would be taken. */
export function watchedFilesOf({ modulesDir }: Kernel): string[] {
  return [...['modules.dep', 'modules.builtin'].map((name) => `${modulesDir}/${name}`), '/etc/ld.so.cache'];
}

/** How the scripts of our guests begin. */
export const SCRIPT_HEAD = `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
`;

/** How an /init begins: commands, kernel file systems, and the modules below /lib/modules in the order of their names. */
export const INIT_HEAD = `${SCRIPT_HEAD}
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /tmp
`;

/** Loads the modules that are below /lib/modules. */
export const LOAD_MODULES = `for module in /lib/modules/*.ko; do
  insmod "$module" 2>/tmp/insmod || echo "insmod $module: $(cat /tmp/insmod)"
done
`;
