import { setTimeout as delay } from 'node:timers/promises';
import { sha256OfFile } from '../../io/file-digest.ts';
import type { Machine } from '../../vm/machine.ts';

const SCREEN_TIMEOUT_MS = 2000;

/** A still screen has one picture, or two while a text cursor blinks. */
const STILL_PICTURES = [1, 2];

/** Takes a screenshot; gives up after two seconds. Returns whether there is one; never throws. */
export async function takeScreen(machine: Pick<Machine, 'screenshot'>, path: string): Promise<boolean> {
  const taken = machine.screenshot(path).then(
    () => true,
    () => false,
  );
  return Promise.race([taken, delay(SCREEN_TIMEOUT_MS, false)]);
}

/** Takes screenshots of a machine; each replaces the last. */
export class Screens {
  readonly #machine: Pick<Machine, 'screenshot'>;
  readonly #path: string;
  /** Digests in the order of the screenshots. */
  #pictures: string[] = [];

  constructor(machine: Pick<Machine, 'screenshot'>, path: string) {
    this.#machine = machine;
    this.#path = path;
  }

  /** Takes a screenshot; gives up after two seconds. Never throws. */
  async take(): Promise<void> {
    if (!(await takeScreen(this.#machine, this.#path))) return;
    const picture = await sha256OfFile(this.#path).catch(() => undefined);
    if (picture !== undefined) this.#pictures.push(picture);
  }

  /** Forgets the pictures so far: the machine has made progress. */
  forget(): void {
    this.#pictures = [];
  }

  /** Returns whether the later half of the screenshots since `forget` shows one picture, or alternates between two. The
   *  earlier half can show how the guest got to its last screen. */
  isStill(): boolean {
    const half = Math.floor(this.#pictures.length / 2);
    return STILL_PICTURES.some((count) => {
      const last = this.#pictures.slice(-Math.max(half, 2 * count));
      const isTwice = [...new Set(last)].every((one) => last.filter((each) => each === one).length >= 2);
      return last.length >= 2 * count && new Set(last).size <= count && isTwice;
    });
  }
}
