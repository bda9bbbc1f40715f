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
  /** The times of a machine under software emulation are these, multiplied by this factor. */
  readonly emulationFactor: number;
}

/** Returns the times of a guest with an accelerator of QEMU. Pure. */
export function timesWith(times: GuestTimes, accelerator: string): GuestTimes {
  const factor = accelerator === 'tcg' ? times.emulationFactor : 1;
  return {
    bootMs: times.bootMs * factor,
    responseMs: times.responseMs * factor,
    silenceMs: times.silenceMs * factor,
    powerOffMs: times.powerOffMs * factor,
    emulationFactor: 1,
  };
}
