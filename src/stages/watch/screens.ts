import { setTimeout as delay } from 'node:timers/promises';
import { sha256OfFile } from '../../io/file-digest.ts';
import type { Machine } from '../../vm/machine.ts';

const SCREEN_TIMEOUT_MS = 2000;

/** A text cursor blinks: a still screen with one has two pictures. */
const MOST_STILL_PICTURES = 2;

/** Takes a screenshot; gives up after two seconds. Returns whether there is one; never throws. */
export async function takeScreen(machine: Machine, path: string): Promise<boolean> {
  const taken = machine.screenshot(path).then(
    () => true,
    () => false,
  );
  return Promise.race([taken, delay(SCREEN_TIMEOUT_MS, false)]);
}

/** Takes screenshots of a machine; each replaces the last. */
export class Screens {
  readonly #machine: Machine;
  readonly #path: string;
  readonly #seen = new Map<string, number>();

  constructor(machine: Machine, path: string) {
    this.#machine = machine;
    this.#path = path;
  }

  /** Takes a screenshot; gives up after two seconds. Never throws. */
  async take(): Promise<void> {
    if (!(await takeScreen(this.#machine, this.#path))) return;
    const picture = await sha256OfFile(this.#path).catch(() => undefined);
    if (picture !== undefined) this.#seen.set(picture, (this.#seen.get(picture) ?? 0) + 1);
  }

  /** Forgets the pictures so far: the machine has made progress. */
  forget(): void {
    this.#seen.clear();
  }

  /** Returns whether the screenshots since `forget` show one picture, or alternate between two. */
  isStill(): boolean {
    const taken = [...this.#seen.values()].reduce((sum, count) => sum + count, 0);
    return this.#seen.size > 0 && this.#seen.size <= MOST_STILL_PICTURES && taken >= 2 * this.#seen.size;
  }
}
