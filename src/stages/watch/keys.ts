import { setTimeout as delay } from 'node:timers/promises';
import type { KeyPresses } from '../../guest/install-progress.ts';
import type { Machine } from '../../vm/machine.ts';
import { sendKeys } from '../../vm/qmp/commands.ts';

/** Presses a key of a machine again and again. */
export class KeyPresser {
  readonly #machine: Machine;
  #running: AbortController | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Starts to press a key, unless one is being pressed. `onEnd` is called after the last press, not after `stop`. */
  start({ key, intervalMs }: KeyPresses, { durationMs, onEnd }: { durationMs: number; onEnd: () => void }): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    const press = async (): Promise<void> => {
      for (let leftMs = durationMs; leftMs > 0; leftMs -= intervalMs) {
        await delay(intervalMs, undefined, { signal: running.signal }).catch(() => {});
        if (running.signal.aborted) return;
        // The end of the machine is reported by others.
        await sendKeys(this.#machine.qmp, [key], { signal: running.signal }).catch(() => {});
      }
      this.#running = undefined;
      onEnd();
    };
    void press();
  }

  /** Presses no more keys. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }
}
