import { join } from 'node:path';
import { compilePe } from '../../support/pe.ts';

/** What the boot code of a medium or disk does before it starts Linux. */
export interface BootPrompt {
  /** Number of times that it asks for a key. */
  readonly prompts: number;
  /** Time for a key after each. */
  readonly waitSeconds: number;
  /** Number of first starts of a machine in which it does not wait. */
  readonly missedStarts: number;
}

/** Compiles the boot code to an EFI application. Needs gcc. */
export function efiApplication({ prompts, waitSeconds, missedStarts }: BootPrompt): Buffer {
  return compilePe({
    source: join(import.meta.dirname, 'loader.c'),
    entry: 'efi_main',
    subsystem: 'efi',
    defines: { PROMPTS: prompts, WAIT_SECONDS: waitSeconds, MISSED_STARTS: missedStarts },
  });
}
