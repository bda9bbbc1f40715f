import type { ConsoleMarker } from './console-markers.ts';

/** How an installation of a guest proceeds: its phases, and what the signs of the machine mean. All times are those of
 *  a machine with hardware virtualization; under software emulation they are multiplied by {@link EMULATION_FACTOR}. */
export interface InstallProgress {
  /** In order; the first is the phase at the start. A phase never goes back to an earlier one. A console marker `stage
   *  NAME` starts the phase of that name. Any other name is a step within the current phase, with the same limit. */
  readonly phases: readonly [InstallPhase, ...InstallPhase[]];
  /** Longest time without a console line and without a write to a disk. */
  readonly stallTimeoutMs: number;
  /** Absent if the guest does not restart; then the first restart is a failure. */
  readonly restarts?: RestartLimit;
  /** Returns what a sign means. Pure. */
  readonly reactTo: (sign: InstallSign) => InstallReaction;
}

export interface InstallPhase {
  /** Letters, digits and `-`. */
  readonly name: string;
  /** Longest duration of the phase, or of one step within it. */
  readonly timeoutMs: number;
  /** Likely causes if it takes longer or stops, and what to do. */
  readonly hint?: string;
}

export interface RestartLimit {
  /** Number of restarts that can occur; with one more the installation fails. */
  readonly max: number;
  /** Likely causes of more restarts, and what to do. */
  readonly hint: string;
}

/** A machine under software emulation is about this many times slower than with hardware virtualization. Estimates for
 *  installations of Windows are 8 to 15; too large a factor only delays the report of a failure. */
export const EMULATION_FACTOR = 12;

/** Something that a machine showed, and the state before it. */
export interface InstallSign {
  readonly event: InstallEvent;
  /** Name of the current phase. */
  readonly phase: string;
  /** Number of restarts so far, including this one. */
  readonly restarts: number;
  /** Bytes that the guest has written to its disks so far. */
  readonly writtenBytes: number;
  /** Number of resets that a reaction has requested so far. */
  readonly resets: number;
  /** Whether a reset was requested, and no keys were pressed since. Lines from before the reset can follow. */
  readonly isResetting: boolean;
}

export type InstallEvent =
  /** A line of the console, or the beginning of one: a prompt has no line end. The same line can follow again, longer
   *  or complete. */
  | { readonly kind: 'line'; readonly text: string; readonly marker: ConsoleMarker | undefined }
  /** The guest restarted. */
  | { readonly kind: 'restart' }
  /** The guest has written to a disk since the last such event. */
  | { readonly kind: 'write' }
  /** All keys of a reaction were pressed. */
  | { readonly kind: 'keys-pressed' };

/** What follows from a sign; empty if nothing does. */
export interface InstallReaction {
  /** Name of the phase that starts. */
  readonly phase?: string;
  /** Keys to press from now on, or `stop` to press no more. Ignored while keys are being pressed, except `stop`. */
  readonly keys?: KeyPresses | 'stop';
  /** Resets the machine; the text is reported as a warning. */
  readonly reset?: string;
  /** Ends the installation. */
  readonly failure?: InstallFailure;
}

/** Repeated presses of one key. */
export interface KeyPresses {
  /** QEMU's name: `ret`. */
  readonly key: string;
  readonly intervalMs: number;
  /** Total time with hardware virtualization. */
  readonly durationMs: number;
  /** Total time under software emulation. */
  readonly emulatedDurationMs: number;
}

export interface InstallFailure {
  /** The failure in one clause, without a full stop. */
  readonly reason: string;
  /** What to do. */
  readonly hint: string;
}
