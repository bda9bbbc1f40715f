import type { WindowsKind } from '../../core/windows/kinds.ts';
import { parseMarker } from '../console-markers.ts';
import { CygstrapError } from '../../errors.ts';
import { EMULATION_FACTOR } from '../install-progress.ts';
import type { BootOptions, GuestKind, MachineTemplate } from '../kind.ts';
import { SFM_NAMES } from '../share-names.ts';
import type { GuestTimes } from '../times.ts';
import { HARDWARE, windowsMachine } from './machine.ts';
import { WINDOWS_USER } from './options.ts';

const MINUTE_MS = 60_000;

/** A boot or a shutdown can install updates. Each login starts several processes, and the first ones are slow. */
const TIMES: GuestTimes = {
  bootMs: 15 * MINUTE_MS,
  responseMs: 2 * MINUTE_MS,
  silenceMs: 30_000,
  powerOffMs: 10 * MINUTE_MS,
  emulationFactor: EMULATION_FACTOR,
};

/** All kinds of Windows, in the order of their versions. */
export const WINDOWS_GUESTS: readonly GuestKind[] = (Object.keys(HARDWARE) as WindowsKind[]).map(kindOf);

function kindOf(name: WindowsKind): GuestKind {
  const { firmwares, firmware, memoryMiB, cpus, diskMiB } = HARDWARE[name];
  return {
    name,
    user: WINDOWS_USER,
    shares: { store: '/store', xchg: '/xchg' },
    shareNames: SFM_NAMES,
    reportsReady: false,
    mountsShares: false,
    firmwares,
    defaults: { firmware, memoryMiB, cpus, diskMiB },
    times: TIMES,
    prepare: () =>
      Promise.reject(
        new CygstrapError('usage', `\`${name}\` is installed from an ISO image of Windows`, {
          hint: 'name it with `--iso`',
        }),
      ),
    bootMachine: ({ disk, link }: BootOptions): MachineTemplate => ({
      ...windowsMachine(name, disk, link),
      cdroms: [],
      floppies: [],
      boot: { kind: 'disk' },
    }),
    parseMarker,
  };
}
