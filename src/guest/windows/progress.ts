import type {
  InstallFailure,
  InstallPhase,
  InstallProgress,
  InstallReaction,
  InstallSign,
} from '../install-progress.ts';

const MINUTE_MS = 60_000;

/** The firmware starts the boot loader of the medium, which prints `Press any key to boot from CD or DVD` for about
 *  five seconds. Source: OVMF and SeaBIOS as QEMU logs them. */
const MEDIUM_STARTS = /BdsDxe: starting Boot[\dA-F]{4} "UEFI [^"]*DVD-ROM|Booting from DVD\/CD/;

/** The medium has no boot loader for UEFI. */
const MEDIUM_FAILS = /BdsDxe: failed to load Boot[\dA-F]{4} "UEFI [^"]*DVD-ROM/;

/** The boot loader of the medium returned, because no key was pressed or because it failed. */
const MEDIUM_RETURNS = /BdsDxe: failed to start Boot[\dA-F]{4} "UEFI [^"]*DVD-ROM/;

const UEFI_STARTS_DISK = /BdsDxe: starting Boot[\dA-F]{4} "(?:Windows Boot Manager|UEFI [^"]*HARDDISK)/;

/** SeaBIOS tries a blank disk, too, and then reports that it is not bootable. */
const BIOS_STARTS_DISK = /Booting from Hard Disk/;
const BIOS_REJECTS_DISK = /Boot failed: not a bootable disk/;

const NOTHING_STARTS =
  /No bootable (?:option or )?device|UEFI Interactive Shell|starting Boot[\dA-F]{4} "EFI Internal Shell"/;

/** Setup has begun to write: more than a firmware could. */
const LEAST_WRITTEN_BYTES = 64 * 1024;

/** Return does no harm after the prompt: until the first screen of Setup it takes longer than this. */
const KEYS = { key: 'ret', intervalMs: 500, durationMs: 8000, emulatedDurationMs: 30_000 } as const;

/** Starts of the boot loader of the medium before a failure: on a host under load a key can arrive too late. */
const MOST_STARTS = 4;

const ENDED = 'the boot loader of the ISO ended';
const NO_KEY = 'no key arrived at its prompt in time';

const PROCESSOR_HINT =
  'Windows 11 24H2 and Server 2025 reset on a processor without SSE4.2 and POPCNT: leave out `-cpu` in `--qemu-arg`';

const FIRMWARE: InstallPhase = {
  name: 'firmware',
  timeoutMs: 5 * MINUTE_MS,
  hint: 'check with `cygstrap media inspect` that the ISO boots with this firmware',
};

const LOGON: InstallPhase = {
  name: 'logon',
  timeoutMs: 30 * MINUTE_MS,
  hint: 'the desktop can wait for an answer, or Windows refused the automatic logon: see the screen',
};

const SCRIPT: InstallPhase = {
  name: 'script',
  timeoutMs: 60 * MINUTE_MS,
  hint: 'a command of the first logon does not end: look for a window on the screen',
};

/** What the script does after Windows itself is prepared. Each number that setup prints begins a step anew. */
const CYGWIN: readonly InstallPhase[] = [
  {
    name: 'cygwin',
    timeoutMs: 60 * MINUTE_MS,
    hint: 'setup or a script of a package does not end: see the screen and `var/log/setup.log` of Cygwin',
  },
  { name: 'configure', timeoutMs: 20 * MINUTE_MS, hint: 'a program of Cygwin does not end: see the screen' },
  { name: 'verify', timeoutMs: 30 * MINUTE_MS, hint: 'a program of Cygwin does not end: see the screen' },
];

const RESTARTS = {
  max: 6,
  hint: `${PROCESSOR_HINT}, or use another \`--firmware\` if the disk does not start`,
} as const;

/** How an installation of Windows 7, Server 2008 R2 and later proceeds, which restarts two to four times. The limits
 *  fit a slow disk; two to eight hours in all are usual. The script of the answer medium starts the phases with its
 *  console markers. Windows PE can lack a driver for the serial port, so the phases up to the first logon have other
 *  signs, too. */
export const WINDOWS_PROGRESS: InstallProgress = {
  phases: [
    FIRMWARE,
    {
      name: 'windowspe',
      timeoutMs: 60 * MINUTE_MS,
      hint: 'Setup can wait for an answer, such as a product key, an edition or a driver: see the screen',
    },
    {
      name: 'specialize',
      timeoutMs: 60 * MINUTE_MS,
      hint: 'the first start from the disk or the answers for it failed: see the screen',
    },
    { ...LOGON, name: 'complete' },
    LOGON,
    SCRIPT,
    ...CYGWIN,
  ],
  stallTimeoutMs: 20 * MINUTE_MS,
  restarts: RESTARTS,
  reactTo: (sign) => reactionTo(sign, { setup: 'windowspe', fromDisk: 'specialize' }),
};

/** How an installation of Windows XP and Server 2003 proceeds. Its Setup has no markers before the first logon. */
export const LEGACY_PROGRESS: InstallProgress = {
  phases: [
    FIRMWARE,
    {
      name: 'textmode',
      timeoutMs: 60 * MINUTE_MS,
      hint: 'Setup can wait for an answer, or found no disk: see the screen',
    },
    {
      name: 'guimode',
      timeoutMs: 90 * MINUTE_MS,
      hint: 'Setup can wait for an answer, such as a product key: see the screen',
    },
    LOGON,
    SCRIPT,
    ...CYGWIN,
  ],
  stallTimeoutMs: 20 * MINUTE_MS,
  restarts: RESTARTS,
  reactTo: (sign) => reactionTo(sign, { setup: 'textmode', fromDisk: 'guimode' }),
};

interface SetupPhases {
  /** Setup runs from the medium. */
  readonly setup: string;
  /** The disk has started for the first time. */
  readonly fromDisk: string;
}

function reactionTo(sign: InstallSign, { setup, fromDisk }: SetupPhases): InstallReaction {
  const { event, phase } = sign;
  switch (event.kind) {
    case 'keys-pressed':
      // The firmware has started nothing else meanwhile.
      return { phase: setup };
    case 'write':
      return phase === FIRMWARE.name && sign.writtenBytes >= LEAST_WRITTEN_BYTES ? { phase: setup, keys: 'stop' } : {};
    case 'restart':
      return { keys: 'stop', ...(hasSystem(sign) && { phase: fromDisk }) };
    case 'line':
      return event.marker === undefined ? reactionToText(event.text, sign, fromDisk) : { keys: 'stop' };
    default:
      return event satisfies never;
  }
}

function reactionToText(text: string, sign: InstallSign, fromDisk: string): InstallReaction {
  // Nothing was installed yet in this phase, so the prompt never belongs to a later start.
  if (MEDIUM_STARTS.test(text)) return sign.phase === FIRMWARE.name || sign.isResetting ? { keys: KEYS } : {};
  // The firmware tries its other entries until the reset.
  if (sign.isResetting) return {};
  if (isUnansweredPrompt(text, sign) && sign.resets + 1 < MOST_STARTS)
    return {
      keys: 'stop',
      reset: `${ENDED}: ${NO_KEY}; the machine is reset, start ${sign.resets + 2} of ${MOST_STARTS}`,
    };
  if (MEDIUM_FAILS.test(text) || MEDIUM_RETURNS.test(text) || NOTHING_STARTS.test(text))
    return { keys: 'stop', failure: startFailure(text, sign) };
  if (BIOS_REJECTS_DISK.test(text) && hasSystem(sign)) return { failure: startFailure(text, sign) };
  if (UEFI_STARTS_DISK.test(text) || (BIOS_STARTS_DISK.test(text) && hasSystem(sign)))
    return { phase: fromDisk, keys: 'stop' };
  return text.includes('BdsDxe: ') ? { keys: 'stop' } : {};
}

/** Returns whether Setup has written to the disk and then restarted. */
function hasSystem({ restarts, writtenBytes }: InstallSign): boolean {
  return restarts > 0 && writtenBytes >= LEAST_WRITTEN_BYTES;
}

/** Returns whether the boot loader of the medium returned before Setup has done anything. */
function isUnansweredPrompt(text: string, sign: InstallSign): boolean {
  return MEDIUM_RETURNS.test(text) && sign.restarts === 0 && sign.writtenBytes < LEAST_WRITTEN_BYTES;
}

function startFailure(text: string, sign: InstallSign): InstallFailure {
  if (hasSystem(sign))
    return {
      reason: 'the disk does not start after Setup has restarted the machine',
      hint: 'check that the layout of the disk fits the firmware, or use another `--firmware`',
    };
  if (sign.restarts > 0 && sign.phase !== FIRMWARE.name)
    return { reason: 'Setup restarted the machine before it wrote to the disk', hint: PROCESSOR_HINT };
  if (MEDIUM_RETURNS.test(text)) {
    const starts = sign.resets === 0 ? '' : ` in ${sign.resets + 1} starts`;
    return {
      reason: `${ENDED}${starts}: ${NO_KEY}, or it could not load Setup`,
      hint: 'try again while the host is less loaded, or use `--firmware bios`, whose boot loader has no prompt',
    };
  }
  return {
    reason: 'the firmware found nothing to start',
    hint: 'check with `cygstrap media inspect` that the ISO boots with this firmware, or use another `--firmware`',
  };
}
