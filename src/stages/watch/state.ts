import type { ConsoleMarker } from '../../guest/console-markers.ts';
import type { InstallEvent, InstallPhase, InstallProgress, InstallReaction } from '../../guest/install-progress.ts';

/** A phase, or a step within one, that has started. */
export interface StartedStep {
  readonly name: string;
  /** Its number, if it is one of several. */
  readonly step?: { readonly number: number; readonly of: number } | undefined;
}

/** SeaBIOS resets a second time right after a reset. */
const SAME_RESTART_MS = 1000;

/** The state of an installation, computed from what its machine shows. Reads no clock: times are parameters, in
 *  milliseconds of any one clock. */
export class InstallState {
  readonly markers: ConsoleMarker[] = [];
  /** Time of each restart. */
  readonly restartsMs: number[] = [];
  /** Number of resets that reactions have requested. */
  resets = 0;
  /** Bytes that the guest has written to its disks. */
  writtenBytes = 0;
  /** Name of the current phase or of the step within it. */
  step: string;
  stepSinceMs: number;
  /** Last console line or disk write. */
  lastProgressMs: number;
  readonly #progress: InstallProgress;
  #phaseIndex = 0;
  #isResetting = false;
  /** Time of the last requested reset. */
  #resetMs = -Infinity;
  #lastLine = '';
  #panicLine: string | undefined;

  constructor(progress: InstallProgress, nowMs: number) {
    this.#progress = progress;
    this.step = progress.phases[0].name;
    this.stepSinceMs = nowMs;
    this.lastProgressMs = nowMs;
  }

  get phase(): InstallPhase {
    return this.#progress.phases[this.#phaseIndex] ?? this.#progress.phases[0];
  }

  /** Last line of the console, or the line of a kernel panic. */
  get lastLine(): string {
    return this.#panicLine ?? this.#lastLine;
  }

  /** Adds a restart. Returns false for one that belongs to the restart or the requested reset before. */
  addRestart(nowMs: number): boolean {
    const lastMs = Math.max(this.restartsMs.at(-1) ?? -Infinity, this.#resetMs);
    if (nowMs - lastMs < SAME_RESTART_MS) return false;
    this.restartsMs.push(nowMs);
    return true;
  }

  /** Returns the reaction to an event, and the phase or step that starts with it. */
  add(event: InstallEvent, nowMs: number): InstallReaction & { readonly started?: StartedStep } {
    const { phase } = this;
    if (event.kind === 'line' || event.kind === 'write') this.lastProgressMs = nowMs;
    if (event.kind === 'line') this.#addLine(event.text, event.marker);
    const reaction = this.#progress.reactTo({
      event,
      phase: phase.name,
      restarts: this.restartsMs.length,
      writtenBytes: this.writtenBytes,
      resets: this.resets,
      isResetting: this.#isResetting,
    });
    if (reaction.reset !== undefined) {
      this.resets++;
      this.#isResetting = true;
      this.#resetMs = nowMs;
    } else if (typeof reaction.keys === 'object') this.#isResetting = false;
    const marker = event.kind === 'line' && event.marker?.kind === 'stage' ? event.marker : undefined;
    const name = marker?.name ?? reaction.phase;
    if (name === undefined) return reaction;
    const index = this.#progress.phases.findIndex((each) => each.name === name);
    const isStarted = marker === undefined ? index > this.#phaseIndex : index === -1 || index >= this.#phaseIndex;
    if (!isStarted) return reaction;
    if (index > this.#phaseIndex) this.#phaseIndex = index;
    this.step = name;
    this.stepSinceMs = nowMs;
    return { ...reaction, started: { name, step: marker?.step } };
  }

  #addLine(text: string, marker: ConsoleMarker | undefined): void {
    this.#lastLine = text;
    if (/kernel panic/i.test(text)) this.#panicLine ??= text;
    if (marker !== undefined) this.markers.push(marker);
  }
}
