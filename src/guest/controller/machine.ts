import type { LinkSpec, MachineSpec, MemoryBacking } from '../../vm/spec.ts';
import type { ControllerImage } from './image.ts';
import { SHARES_MAC } from '../../vm/network/addresses.ts';
import { CONTROLLER_TAGS, GO_VALUE } from './init.ts';

/** Its first file system, twice while it is unpacked, and what smbd and a large file in transfer need. */
const MEMORY_MIB = 384;
const WAIT = '0'.repeat(10);

/** Directories of the host that a controller works with. */
export interface ControllerDirectories {
  /** Shown to the guest read-only. */
  readonly store: string;
  readonly xchg: string;
  /** Where jobs are put; never shown to the guest. */
  readonly jobs: string;
}

export interface ControllerOptions {
  readonly image: Pick<ControllerImage, 'kernel' | 'initramfs'>;
  readonly directories: ControllerDirectories;
  readonly link: LinkSpec;
  /** `work`: it goes on to the directories, with this as the time. `wait`: it stands before that, fit to be saved. */
  readonly orders: { readonly kind: 'wait' } | { readonly kind: 'work'; readonly epochMs: number };
  readonly memory: MemoryBacking;
  readonly start: MachineSpec['start'];
}

/** The machine of a controller: the same devices whatever its orders, so that it can be saved under one and resumed under the other. Pure. */
export function controllerMachine({ image, directories, link, orders, memory, start }: ControllerOptions): MachineSpec {
  // The guest's driver has read the length before the machine was saved: it must not change.
  const value = orders.kind === 'wait' ? WAIT : String(Math.floor(orders.epochMs / 1000)).padStart(WAIT.length, '0');
  return {
    name: 'controller',
    family: 'pc',
    cpu: 'Nehalem,+rdrand',
    cpus: 1,
    memory: { sizeMiB: MEMORY_MIB, backing: memory },
    disks: [],
    cdroms: [],
    floppies: [],
    // A file system in RAM that has no limit of its own: the usual one takes half of RAM, and is cut short without a word.
    boot: {
      kind: 'kernel',
      kernel: image.kernel.image,
      initrd: image.initramfs.path,
      append: 'console=ttyS0 quiet panic=-1 rootfstype=ramfs',
    },
    nics: [{ id: 'nic0', model: 'virtio-net-pci', mac: SHARES_MAC, link }],
    shares: [
      { id: 'store', tag: CONTROLLER_TAGS.store, path: directories.store, isReadonly: true },
      { id: 'xchg', tag: CONTROLLER_TAGS.xchg, path: directories.xchg, isReadonly: false },
      { id: 'jobs', tag: CONTROLLER_TAGS.jobs, path: directories.jobs, isReadonly: false },
    ],
    graphics: { kind: 'none' },
    pointer: 'ps2',
    clock: { base: 'utc', runsBy: 'vm' },
    start,
    onReset: 'exit',
    hasPanicDevice: false,
    extraArguments: ['-fw_cfg', `name=${GO_VALUE},string=${value}`, '-device', 'vmgenid,guid=auto,id=vmgenid0'],
  };
}
