/** Times of the guests of one kind, in milliseconds, with hardware virtualization. */
export interface GuestTimes {
  /** Longest boot, until a login by ssh succeeds. */
  readonly bootMs: number;
  /** Longest time until ssh of a running guest responds to a connection. */
  readonly responseMs: number;
  /** Longest time without a packet on an open ssh connection; ssh requests one every two seconds. */
  readonly silenceMs: number;
  /** Longest orderly shutdown. */
  readonly powerOffMs: number;
  /** How long the clock of a resumed guest is compared with that of the host; its speed does not change it. */
  readonly clockMs: number;
  /** When a guest is idle enough for a snapshot. */
  readonly quiet: QuietLimits;
  /** The times of a machine under software emulation are these, multiplied by this factor. */
  readonly emulationFactor: number;
}

/** Loads below which a guest is idle. */
export interface QuietLimits {
  /** For how long the load must be low, in milliseconds; the load is the average of this time. */
  readonly durationMs: number;
  /** Longest wait, in milliseconds. After it the snapshot is made with a warning. */
  readonly timeoutMs: number;
  /** Largest part of the time of all its processors, from 0 to 1. */
  readonly processorShare: number;
  /** Most bytes that it reads from and writes to its disks. */
  readonly diskBytesPerSecond: number;
}

/** Returns the times of a guest with an accelerator of QEMU. Pure. */
export function timesWith(times: GuestTimes, accelerator: string): GuestTimes {
  const factor = accelerator === 'tcg' ? times.emulationFactor : 1;
  return {
    bootMs: times.bootMs * factor,
    responseMs: times.responseMs * factor,
    silenceMs: times.silenceMs * factor,
    powerOffMs: times.powerOffMs * factor,
    clockMs: times.clockMs,
    quiet: { ...times.quiet, timeoutMs: times.quiet.timeoutMs * factor },
    emulationFactor: 1,
  };
}
