import { join } from 'node:path';
import { compilePe } from '../../support/pe.ts';

/** What the boot code of a medium or disk does before it starts Linux: how often it asks for a key, and how long it
 *  waits each time. */
export interface BootPrompt {
  readonly prompts: number;
  readonly waitSeconds: number;
}

/** Compiles the boot code to an EFI application. Needs gcc. */
export function efiApplication({ prompts, waitSeconds }: BootPrompt): Buffer {
  return compilePe({
    source: join(import.meta.dirname, 'loader.c'),
    entry: 'efi_main',
    subsystem: 'efi',
    defines: { PROMPTS: prompts, WAIT_SECONDS: waitSeconds },
  });
}
