import type { WindowsKind } from '../../core/windows/kinds.ts';
import { parseMarker } from '../console-markers.ts';
import { cygwinCommands } from '../cygwin/commands.ts';
import { CYGWIN_SHARES } from '../cygwin/shares.ts';
import { CYGWIN_VARIABLES } from '../cygwin/variables.ts';
import { CygstrapError } from '../../errors.ts';
import { EMULATION_FACTOR } from '../install-progress.ts';
import type { BootOptions, GuestKind, MachineTemplate } from '../kind.ts';
import { SFM_NAMES } from '../share-names.ts';
import type { SmbPolicy } from '../shares.ts';
import type { GuestTimes } from '../times.ts';
import { exitHint } from './exit-hint.ts';
import { HARDWARE, windowsMachine } from './machine.ts';
import { WINDOWS_USER } from './options.ts';

const MINUTE_MS = 60_000;

/** A boot or a shutdown can install updates. Each login starts several processes, and the first ones are slow. */
const TIMES: GuestTimes = {
  bootMs: 15 * MINUTE_MS,
  responseMs: 2 * MINUTE_MS,
  silenceMs: 30_000,
  powerOffMs: 10 * MINUTE_MS,
  clockMs: 5000,
  quiet: { durationMs: 20_000, timeoutMs: 10 * MINUTE_MS, processorShare: 0.1, diskBytesPerSecond: 1e6 },
  emulationFactor: EMULATION_FACTOR,
};

/** Windows XP and Server 2003 know nothing newer, and log in by NTLMv1. */
const SMB1: SmbPolicy = { minProtocol: 'NT1', signing: 'auto', allowsNtlmV1: true };
const SMB2: SmbPolicy = { minProtocol: 'SMB2_02', signing: 'auto', allowsNtlmV1: false };
const SMB21: SmbPolicy = { minProtocol: 'SMB2_10', signing: 'auto', allowsNtlmV1: false };
/** These require it of servers. */
const SIGNED: SmbPolicy = { minProtocol: 'SMB2_10', signing: 'mandatory', allowsNtlmV1: false };

const SMB: Readonly<Record<WindowsKind, SmbPolicy>> = {
  'windows-xp': SMB1,
  'windows-2003': SMB1,
  'windows-7': SMB2,
  'windows-2008r2': SMB2,
  'windows-8.1': SMB21,
  'windows-2012r2': SMB21,
  'windows-10': SMB21,
  'windows-11': SIGNED,
  'windows-2016': SMB21,
  'windows-2019': SMB21,
  'windows-2022': SMB21,
  'windows-2025': SIGNED,
};

/** All kinds of Windows, in the order of their versions. */
export const WINDOWS_GUESTS: readonly GuestKind[] = (Object.keys(HARDWARE) as WindowsKind[]).map(kindOf);

function kindOf(name: WindowsKind): GuestKind {
  const { firmwares, firmware, memoryMiB, cpus, diskMiB } = HARDWARE[name];
  return {
    name,
    user: WINDOWS_USER,
    exitHint,
    shares: CYGWIN_SHARES,
    shareNames: SFM_NAMES,
    smb: SMB[name],
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
    commands: cygwinCommands(WINDOWS_USER),
    ownVariables: CYGWIN_VARIABLES,
  };
}
