import type { LinkSpec, MachineSpec, MemoryBacking } from '../../vm/base/spec.ts';
import type { ControllerImage } from './image.ts';
import { SHARES_MAC } from '../../vm/network/addresses.ts';
import { policyConf } from '../shares.ts';
import type { SmbPolicy } from '../shares.ts';
import { CONTROLLER_TAGS, GO_VALUE, POLICY_VALUE } from './init.ts';

/** Memory for the initramfs, twice while it is unpacked, for smbd and for a large file in transfer. */
const MEMORY_MIB = 384;
const WAIT = '0'.repeat(10);

/** Directories of the host for a controller. */
export interface ControllerDirectories {
  /** Shared read-only with the guest. */
  readonly store: string;
  readonly xchg: string;
  /** Job directory; never shared with the guest. */
  readonly jobs: string;
}

export interface ControllerOptions {
  readonly image: Pick<ControllerImage, 'kernel' | 'initramfs'>;
  readonly directories: ControllerDirectories;
  readonly link: LinkSpec;
  readonly smb: SmbPolicy;
  /** `work`: mount the directories, with this time. `wait`: stop before that, ready to be saved. */
  readonly orders: { readonly kind: 'wait' } | { readonly kind: 'work'; readonly epochMs: number };
  readonly memory: MemoryBacking;
  readonly start: MachineSpec['start'];
}

/** Returns the machine of a controller. Its devices do not depend on the orders, so that it can be saved with `wait`
 *  and resumed with `work`. Pure. */
export function controllerMachine({
  image,
  directories,
  link,
  smb,
  orders,
  memory,
  start,
}: ControllerOptions): MachineSpec {
  // The guest's driver read the length before the machine was saved, so it must not change.
  const value = orders.kind === 'wait' ? WAIT : String(Math.floor(orders.epochMs / 1000)).padStart(WAIT.length, '0');
  return {
    name: 'controller',
    family: 'pc',
    firmware: { kind: 'bios' },
    cpu: 'Nehalem,+rdrand',
    cpus: 1,
    memory: { sizeMiB: MEMORY_MIB, backing: memory },
    disks: [],
    cdroms: [],
    floppies: [],
    // ramfs has no limit of its own. The default, tmpfs, is limited to half of the RAM and truncates silently.
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
    extraArguments: [
      '-fw_cfg',
      `name=${GO_VALUE},string=${value}`,
      '-fw_cfg',
      `name=${POLICY_VALUE},string=${policyConf(smb)}`,
      '-device',
      'vmgenid,guid=auto,id=vmgenid0',
    ],
  };
}
